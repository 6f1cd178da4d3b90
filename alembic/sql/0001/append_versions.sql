-- The version that each event of a batch will have. Raises on what no caller sends: indices out of
-- range, events out of order, types that belong to ledger_erase.
CREATE OR REPLACE FUNCTION ledger.append_versions(
    c_expected int[], e_command int[], e_type text[],
    x_command int[],  -- every other index into the commands
    s_event int[]
) RETURNS int[]
LANGUAGE plpgsql STABLE
AS $function$
DECLARE
    v_commands CONSTANT int := cardinality(c_expected);
    v_last int[] := c_expected;
    v_version int[] := '{}';
    v_previous int := 1;
    v_command int;
BEGIN
    IF 1 > ANY (x_command) OR v_commands < ANY (x_command) OR array_position(x_command, NULL) > 0
        OR 1 > ANY (s_event) OR cardinality(e_command) < ANY (s_event)
        OR array_position(s_event, NULL) > 0
        OR 0 > ANY (c_expected) OR array_position(c_expected, NULL) > 0
    THEN
        RAISE EXCEPTION 'an index or a version is out of range'
            USING ERRCODE = 'array_subscript_error';
    END IF;
    IF e_type && ARRAY['erasure.executed', 'retention.executed'] THEN
        RAISE EXCEPTION 'erasure and retention are appended by ledger_erase'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    FOREACH v_command IN ARRAY e_command LOOP
        IF (v_command BETWEEN v_previous AND v_commands) IS NOT TRUE THEN
            RAISE EXCEPTION 'events are not in the order of their commands'
                USING ERRCODE = 'array_subscript_error';
        END IF;
        v_previous := v_command;
        v_last[v_command] := v_last[v_command] + 1;
        v_version := v_version || v_last[v_command];
    END LOOP;
    RETURN v_version;
END
$function$
