-- The version that each event of a batch will have. Raises on a batch that no caller sends: indices
-- out of range, events out of order, types of the other function, two commands that share a stream
-- or an idempotency key.
CREATE OR REPLACE FUNCTION ledger.append_versions(
    c_stream uuid[], c_expected int[], c_client text[], c_key bytea[],
    e_command int[], e_type text[],
    x_command int[],  -- every other index into the commands
    s_event int[]
) RETURNS int[]
LANGUAGE plpgsql STABLE
AS $function$
DECLARE
    v_commands CONSTANT int := cardinality(c_stream);
    v_last int[] := c_expected;
    v_version int[] := '{}';
    v_previous int := 0;
    v_command int;
BEGIN
    IF 1 > ANY (x_command) OR v_commands < ANY (x_command)
        OR 1 > ANY (s_event) OR cardinality(e_command) < ANY (s_event) OR 0 > ANY (c_expected)
        OR array_position(x_command, NULL) > 0 OR array_position(s_event, NULL) > 0
        OR array_position(c_expected, NULL) > 0 OR array_position(c_stream, NULL) > 0
    THEN
        RAISE EXCEPTION 'an index or a version is out of range'
            USING ERRCODE = 'array_subscript_error';
    END IF;
    IF e_type && ARRAY['erasure.executed', 'retention.executed'] THEN
        RAISE EXCEPTION 'erasure and retention are appended by ledger_erase'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF v_commands > 1 AND (
        (SELECT count(DISTINCT c.stream) FROM unnest(c_stream) AS c(stream)) <> v_commands
        OR (SELECT count(*) <> count(DISTINCT (c.client, c.key))
              FROM unnest(c_client, c_key) AS c(client, key) WHERE c.client IS NOT NULL))
    THEN
        RAISE EXCEPTION 'two commands of a batch share a stream or an idempotency key'
            USING ERRCODE = 'cardinality_violation';
    END IF;
    FOREACH v_command IN ARRAY e_command LOOP
        IF (v_command BETWEEN greatest(v_previous, 1) AND v_commands) IS NOT TRUE THEN
            RAISE EXCEPTION 'events are not in the order of their commands'
                USING ERRCODE = 'array_subscript_error';
        END IF;
        v_last[v_command] := v_last[v_command] + 1;
        v_version := v_version || v_last[v_command];
        v_previous := v_command;
    END LOOP;
    RETURN v_version;
END
$function$
