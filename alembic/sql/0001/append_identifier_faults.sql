-- Refuses commands that claim a token of an epoch that is not active (`stale-epoch`), for a subject
-- whose identifiers were erased (`fenced`), or one that another subject holds, or that an earlier
-- command of the batch claims (`identifier-taken`). A release asks for nothing.
CREATE OR REPLACE FUNCTION ledger.append_identifier_faults(
    c_outcome text[], c_stream uuid[],
    i_command int[], i_kind text[], i_token bytea[], i_epoch int[], i_release boolean[]
) RETURNS text[]
LANGUAGE plpgsql VOLATILE
AS $function$
DECLARE
    v_outcome text[] := c_outcome;
    v_claim record;
BEGIN
    FOR v_claim IN
        SELECT i.command,
               CASE WHEN p.epoch IS NULL THEN 'stale-epoch'
                    WHEN f.class IS NOT NULL THEN 'fenced'
                    ELSE 'identifier-taken'
               END AS outcome
          FROM (SELECT u.command, u.kind, u.token, u.epoch,
                       u.command <> min(u.command) OVER (PARTITION BY u.kind, u.token) AS second
                  FROM unnest(i_command, i_kind, i_token, i_epoch, i_release)
                       AS u(command, kind, token, epoch, release)
                 WHERE c_outcome[u.command] IS NULL AND NOT u.release) AS i
          LEFT JOIN ledger.key_epoch p ON p.epoch = i.epoch AND p.state = 'active'
          LEFT JOIN ledger.erasure_fence f
                 ON f.subject_id = c_stream[i.command] AND f.class = 'identifiers'
          LEFT JOIN ledger.identifiers t ON t.kind = i.kind AND t.token = i.token
         WHERE p.epoch IS NULL OR f.class IS NOT NULL OR i.second
            OR t.subject_id <> c_stream[i.command]
         ORDER BY 2 DESC
    LOOP
        v_outcome[v_claim.command] := coalesce(v_outcome[v_claim.command], v_claim.outcome);
    END LOOP;
    RETURN v_outcome;
END
$function$
