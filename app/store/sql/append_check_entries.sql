-- Raises unless the bytes of every entry agree with its row, with the entry before it in its stream
-- and with its sealed sections. Stored rows never change, so this needs no lock: the predecessor
-- read here is the predecessor for good. Where there is none, the version check refuses later.
CREATE OR REPLACE FUNCTION ledger.append_check_entries(
    c_stream uuid[], c_before bytea[],
    e_command int[], e_version int[], e_id uuid[], e_type text[], e_entry bytea[],
    s_event int[], s_section int[], s_key uuid[], s_class text[], s_blob bytea[]
) RETURNS void
LANGUAGE plpgsql STABLE
AS $function$
DECLARE
    v_seals text[] := array_fill(NULL::text, ARRAY[cardinality(e_id)]);
    v_previous bytea;
    v_command int := 0;
BEGIN
    FOR v_i IN 1 .. cardinality(s_event) LOOP
        v_seals[s_event[v_i]] := concat_ws(',', v_seals[s_event[v_i]], ledger.seal_pattern(
            s_section[v_i], s_key[v_i], s_class[v_i], s_blob[v_i],
            ledger.opens_key(e_entry[s_event[v_i]], s_key[v_i])));
    END LOOP;
    FOR v_i IN 1 .. cardinality(e_id) LOOP
        IF e_command[v_i] = v_command THEN
            v_previous := e_entry[v_i - 1];
        ELSE
            v_command := e_command[v_i];
            v_previous := c_before[v_command];
            CONTINUE WHEN v_previous IS NULL AND e_version[v_i] > 1;
        END IF;
        IF octet_length(e_entry[v_i]) <= 65535 AND e_entry[v_i] LIKE ledger.entry_pattern(
            e_id[v_i], e_version[v_i], v_previous, c_stream[v_command], e_type[v_i], v_seals[v_i])
        THEN
            CONTINUE;
        END IF;
        RAISE EXCEPTION 'an entry contradicts its row, its predecessor or its seals'
            USING ERRCODE = 'data_exception';
    END LOOP;
END
$function$
