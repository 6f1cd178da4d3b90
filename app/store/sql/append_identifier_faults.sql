-- Refuses commands that claim a token for a subject whose identifiers were erased (`fenced`), or one
-- that another subject holds or an earlier command of the batch claims (`identifier-taken`). What
-- the subject holds already may be claimed again; a release asks for nothing. A token with release
-- NULL is that of a claimed value under a key that is leaving: nobody else may hold that one either.
CREATE OR REPLACE FUNCTION ledger.append_identifier_faults(
    c_outcome text[], c_stream uuid[],
    i_command int[], i_kind text[], i_token bytea[], i_release boolean[]
) RETURNS text[]
LANGUAGE plpgsql VOLATILE
AS $function$
DECLARE
    v_outcome text[] := c_outcome;
    v_claim record;
BEGIN
    FOR v_claim IN
        SELECT i.command, f.class IS NOT NULL AS fenced
          FROM (SELECT u.command, u.kind, u.token,
                       u.command <> min(u.command) OVER (PARTITION BY u.kind, u.token) AS second
                  FROM unnest(i_command, i_kind, i_token, i_release)
                       AS u(command, kind, token, release)
                 WHERE c_outcome[u.command] IS NULL AND u.release IS NOT TRUE) AS i
          LEFT JOIN ledger.erasure_fence f
                 ON f.subject_id = c_stream[i.command] AND f.class = 'identifiers'
          LEFT JOIN ledger.identifiers t ON t.kind = i.kind AND t.token = i.token
         WHERE f.class IS NOT NULL OR i.second OR t.subject_id <> c_stream[i.command]
         ORDER BY fenced DESC
    LOOP
        v_outcome[v_claim.command] := coalesce(
            v_outcome[v_claim.command],
            CASE WHEN v_claim.fenced THEN 'fenced' ELSE 'identifier-taken' END);
    END LOOP;
    RETURN v_outcome;
END
$function$
