-- Refuses commands whose new keys are wrapped under an epoch that is not active (`stale-epoch`), or
-- whose keys or sections belong to an erased class of the subject (`fenced`). Raises when a seal or
-- a commitment does not fit its key: each new key has exactly one commitment, no other key has any.
CREATE OR REPLACE FUNCTION ledger.append_key_faults(
    c_outcome text[], c_stream uuid[],
    e_command int[], e_entry bytea[],
    s_event int[], s_key uuid[], s_class text[],
    k_command int[], k_id uuid[], k_class text[], k_epoch int[]
) RETURNS text[]
LANGUAGE plpgsql VOLATILE
AS $function$
DECLARE
    v_outcome text[] := c_outcome;
    v_key record;
BEGIN
    FOR v_key IN
        SELECT g.command,
               CASE WHEN g.mixed OR g.opened <> g.made THEN false
                    WHEN g.made = 0 THEN r.subject_id = c_stream[g.command] AND r.class = g.class
                    ELSE g.made = 1 AND g.sealed > 0 AND r.key_id IS NULL
               END AS fits,
               CASE WHEN g.made = 0 THEN r.state <> 'retiring' ELSE p.epoch IS NOT NULL
               END AS current,
               r.state = 'erased' OR f.class IS NOT NULL AS fenced
          FROM (SELECT m.command, m.key, max(m.class) AS class, max(m.epoch) AS epoch,
                       min(m.class) <> max(m.class) AS mixed,
                       count(*) FILTER (WHERE m.new) AS made,
                       count(*) FILTER (WHERE NOT m.new) AS sealed,
                       count(*) FILTER (WHERE m.opens) AS opened
                  FROM (SELECT e_command[s.event] AS command, s.key, s.class, NULL::int AS epoch,
                               false AS new, ledger.opens_key(e_entry[s.event], s.key) AS opens
                          FROM unnest(s_event, s_key, s_class) AS s(event, key, class)
                        UNION ALL
                        SELECT k.command, k.id, k.class, k.epoch, true, false
                          FROM unnest(k_command, k_id, k_class, k_epoch)
                               AS k(command, id, class, epoch)) AS m
                 WHERE c_outcome[m.command] IS NULL
                 GROUP BY m.command, m.key) AS g
          LEFT JOIN ledger.keyring r ON r.key_id = g.key
          LEFT JOIN ledger.key_epoch p ON p.epoch = g.epoch AND p.state = 'active'
          LEFT JOIN ledger.erasure_fence f
                 ON f.subject_id = c_stream[g.command] AND f.class = g.class
    LOOP
        IF v_key.fits IS NOT TRUE THEN
            RAISE EXCEPTION 'a seal, a commitment or a new key does not belong to its command'
                USING ERRCODE = 'data_exception';
        ELSIF NOT v_key.current THEN
            v_outcome[v_key.command] := 'stale-epoch';
        ELSIF v_key.fenced THEN
            v_outcome[v_key.command] := coalesce(v_outcome[v_key.command], 'fenced');
        END IF;
    END LOOP;
    RETURN v_outcome;
END
$function$
