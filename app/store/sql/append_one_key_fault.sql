-- What stands against the new keys of one command: their epoch takes no more, or their class is
-- fenced; NULL if nothing does.
CREATE OR REPLACE FUNCTION ledger.append_one_key_fault(
    p_stream uuid, k_class text[], k_epoch int[]
) RETURNS text
LANGUAGE sql VOLATILE
AS $function$
    SELECT CASE
        WHEN NOT k_epoch <@ ARRAY(SELECT p.epoch FROM ledger.key_epoch p
                                   WHERE p.epoch = ANY (k_epoch) AND p.state = 'active')
        THEN 'stale-epoch'
        WHEN EXISTS (SELECT FROM ledger.erasure_fence f
                      WHERE f.subject_id = p_stream AND f.class = ANY (k_class))
        THEN 'fenced'
    END
$function$
