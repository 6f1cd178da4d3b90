-- For each command, whether one of its events is recorded earlier than the event before it, or more
-- than five seconds away from the clock of the database. `at` is 27 bytes of UTC from the eighth on,
-- so that bytes compare as times do. Read under the lock: waiting for it makes an entry stale.
CREATE OR REPLACE FUNCTION ledger.append_stale_clocks(
    c_before bytea[], e_command int[], e_entry bytea[]
) RETURNS boolean[]
LANGUAGE plpgsql VOLATILE
AS $function$
DECLARE
    v_low CONSTANT bytea := ledger.entry_time(clock_timestamp() - interval '5 seconds');
    v_high CONSTANT bytea := ledger.entry_time(clock_timestamp() + interval '5 seconds');
    v_stale boolean[] := array_fill(false, ARRAY[cardinality(c_before)]);
    v_command int := 0;
    v_previous bytea;
    v_at bytea;
BEGIN
    FOR v_i IN 1 .. cardinality(e_command) LOOP
        IF e_command[v_i] <> v_command THEN
            v_command := e_command[v_i];
            v_previous := substring(c_before[v_command] FROM 8 FOR 27);
        END IF;
        v_at := substring(e_entry[v_i] FROM 8 FOR 27);
        IF v_at < v_previous OR v_at < v_low OR v_at > v_high THEN
            v_stale[v_command] := true;
        END IF;
        v_previous := v_at;
    END LOOP;
    RETURN v_stale;
END
$function$
