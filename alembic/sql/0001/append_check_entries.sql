-- Raises unless the bytes of every entry agree with its row, with the entry before it in its stream
-- and with its sealed sections, and every new key is opened (its commitment given) by exactly one
-- seal, the first under it; new keys stand in the order of those seals. Answers for each seal
-- whether its key is new. Stored rows never change, so this needs no lock: the predecessor read by
-- the caller is the predecessor for good; where there is none, the version check refuses later.
CREATE OR REPLACE FUNCTION ledger.append_check_entries(
    c_stream uuid[], c_before bytea[],
    e_command int[], e_version int[], e_id uuid[], e_type text[], e_entry bytea[],
    s_event int[], s_section int[], s_key uuid[], s_class text[], s_blob bytea[],
    k_command int[], k_id uuid[], k_class text[]
) RETURNS boolean[]
LANGUAGE plpgsql STABLE
AS $function$
DECLARE
    v_seals text[] := array_fill(NULL::text, ARRAY[cardinality(e_id)]);
    v_new boolean[] := array_fill(false, ARRAY[cardinality(s_key)]);
    v_key int := 1;  -- the next new key to be opened
    v_opens boolean := false;
    v_n int;
    v_previous bytea;
    v_command int := 0;
BEGIN
    FOR v_i IN 1 .. cardinality(s_event) LOOP
        IF k_id <> '{}' THEN
            v_command := e_command[s_event[v_i]];
            v_opens := coalesce(s_key[v_i] = k_id[v_key] AND s_class[v_i] = k_class[v_key]
                                AND v_command = k_command[v_key], false);
            v_key := v_key + v_opens::int;
            v_n := v_key - 1;
            WHILE v_n > 0 AND k_command[v_n] = v_command LOOP
                v_new[v_i] := v_new[v_i] OR (k_id[v_n] = s_key[v_i] AND k_class[v_n] = s_class[v_i]);
                v_n := v_n - 1;
            END LOOP;
        END IF;
        v_seals[s_event[v_i]] := concat_ws(',', v_seals[s_event[v_i]], ledger.seal_pattern(
            s_section[v_i], s_key[v_i], s_class[v_i], s_blob[v_i], v_opens));
    END LOOP;
    IF v_key <= cardinality(k_id) THEN
        RAISE EXCEPTION 'a new key is opened by no seal' USING ERRCODE = 'data_exception';
    END IF;
    v_command := 0;
    FOR v_i IN 1 .. cardinality(e_id) LOOP
        IF e_command[v_i] = v_command THEN
            v_previous := e_entry[v_i - 1];
        ELSE
            v_command := e_command[v_i];
            v_previous := c_before[v_command];
        END IF;
        IF ((v_previous IS NULL AND e_version[v_i] > 1)
            OR (octet_length(e_entry[v_i]) <= 65535 AND e_entry[v_i] LIKE ledger.entry_pattern(
                e_id[v_i], e_version[v_i], v_previous, c_stream[v_command], e_type[v_i],
                v_seals[v_i]))) IS NOT TRUE
        THEN
            RAISE EXCEPTION 'an entry contradicts its row, its predecessor or its seals'
                USING ERRCODE = 'data_exception';
        END IF;
    END LOOP;
    RETURN v_new;
END
$function$
