-- `fenced` for each command with a section or a new key of an erased class, else NULL. Raises when a
-- section is sealed under a key that is not its subject's. Keys and fences of a subject change with
-- events of its stream only, so what is read here holds if the version check under the lock does.
CREATE OR REPLACE FUNCTION ledger.append_key_faults(
    c_stream uuid[], c_expected int[], c_before bytea[],
    e_command int[], s_event int[], s_key uuid[], s_class text[], s_new boolean[],
    k_command int[], k_class text[]
) RETURNS text[]
LANGUAGE plpgsql VOLATILE
AS $function$
DECLARE
    v_fault text[] := array_fill(NULL::text, ARRAY[cardinality(c_stream)]);
    v_seal record;
    v_command int;
BEGIN
    FOR v_seal IN
        SELECT m.command, r.state, (r.subject_id = c_stream[m.command] AND r.class = m.class) AS own
          FROM (SELECT e_command[s.event] AS command, s.key, s.class
                  FROM unnest(s_event, s_key, s_class, s_new) AS s(event, key, class, new)
                 WHERE NOT s.new) AS m
          LEFT JOIN ledger.keyring r ON r.key_id = m.key
         WHERE (r.subject_id = c_stream[m.command] AND r.class = m.class AND r.state = 'active')
               IS NOT TRUE
    LOOP
        CONTINUE WHEN c_before[v_seal.command] IS NULL AND c_expected[v_seal.command] > 0;
        IF v_seal.own IS NOT TRUE THEN
            RAISE EXCEPTION 'a section is sealed under a key of another subject or class'
                USING ERRCODE = 'data_exception';
        END IF;
        v_fault[v_seal.command] := 'fenced';
    END LOOP;
    IF k_class <> '{}' THEN
        FOR v_command IN
            SELECT k.command FROM unnest(k_command, k_class) AS k(command, class)
              JOIN ledger.erasure_fence f
                ON f.subject_id = c_stream[k.command] AND f.class = k.class
        LOOP
            v_fault[v_command] := 'fenced';
        END LOOP;
    END IF;
    RETURN v_fault;
END
$function$
