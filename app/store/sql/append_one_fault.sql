-- What ledger_append_one checks of bytes, clock, keys, epoch and fence: the outcome that refuses the
-- command, NULL if nothing does. Raises where ledger_append raises.
CREATE OR REPLACE FUNCTION ledger.append_one_fault(
    p_stream uuid, p_expected int, p_before bytea, p_id uuid, p_type text, p_entry bytea,
    s_key uuid[], s_class text[], s_blob bytea[],
    k_id uuid[], k_class text[], k_epoch int[]
) RETURNS text
LANGUAGE plpgsql VOLATILE
AS $function$
DECLARE
    v_at CONSTANT bytea := substring(p_entry FROM 8 FOR 27);
    v_seals text;
    v_key int := 1;  -- the next new key to be opened
    v_opens boolean := false;
    v_own boolean := true;
    v_fenced boolean := false;
    v_current boolean := true;
BEGIN
    FOR v_i IN 1 .. cardinality(s_key) LOOP
        IF k_id <> '{}' THEN
            v_opens := coalesce(s_key[v_i] = k_id[v_key] AND s_class[v_i] = k_class[v_key], false);
            v_key := v_key + v_opens::int;
        END IF;
        v_seals := concat_ws(',', v_seals, ledger.seal_pattern(
            v_i - 1, s_key[v_i], s_class[v_i], s_blob[v_i], v_opens));
    END LOOP;
    IF v_key <= cardinality(k_id) OR octet_length(p_entry) > 65535
        OR (p_entry LIKE ledger.entry_pattern(
            p_id, p_expected + 1, p_before, p_stream, p_type, v_seals)) IS NOT TRUE
    THEN
        RAISE EXCEPTION 'an entry contradicts its row, its predecessor or its seals'
            USING ERRCODE = 'data_exception';
    END IF;
    IF s_key <> '{}' THEN
        SELECT bool_and((r.subject_id = p_stream AND r.class = s.class) IS TRUE),
               bool_or(r.state <> 'active')
          INTO v_own, v_fenced
          FROM unnest(s_key, s_class) AS s(key, class)
          LEFT JOIN ledger.keyring r ON r.key_id = s.key
         WHERE (s.key = ANY (k_id) AND s.class = k_class[array_position(k_id, s.key)]) IS NOT TRUE;
        IF NOT v_own THEN
            RAISE EXCEPTION 'a section is sealed under a key of another subject or class'
                USING ERRCODE = 'data_exception';
        END IF;
    END IF;
    IF k_id <> '{}' THEN
        v_current := NOT EXISTS (
            SELECT FROM unnest(k_epoch) AS k(epoch)
              LEFT JOIN ledger.key_epoch p ON p.epoch = k.epoch AND p.state = 'active'
             WHERE p.epoch IS NULL);
        v_fenced := coalesce(v_fenced, false) OR EXISTS (
            SELECT FROM ledger.erasure_fence f
             WHERE f.subject_id = p_stream AND f.class = ANY (k_class));
    END IF;
    RETURN CASE
        WHEN v_at < substring(p_before FROM 8 FOR 27)
             OR v_at < ledger.entry_time(clock_timestamp() - interval '5 seconds')
             OR v_at > ledger.entry_time(clock_timestamp() + interval '5 seconds')
        THEN 'stale-clock'
        WHEN NOT v_current THEN 'stale-epoch'
        WHEN v_fenced THEN 'fenced'
    END;
END
$function$
