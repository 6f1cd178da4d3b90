-- Appends an erasure or retention entry and destroys what it names, in one transaction: the one way
-- to lose data (DESIGN 5). The entry's `d` holds `keys` (key ids), `classes` (to be fenced), `blobs`
-- (how many hang on the keys), `identifiers` (whether the blind index forgets the subject) and
-- `root` (hex, RFC 6962 over the SHA-256 of each blob in the order of version and section). So every
-- hole in the log is explained by the log.
--
-- Outcomes: appended, version-conflict, stale-clock, key-foreign (unknown, of another subject, or
-- erased before), blob-count-mismatch. Only `appended` writes. A malformed entry raises.
CREATE OR REPLACE FUNCTION ledger.ledger_erase(
    p_partition int, p_stream uuid, p_expected int, p_entry bytea
) RETURNS TABLE (outcome text, "position" bigint, blobs int, keys int, tokens int)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_bitmapscan = off
SET jit = off
AS $function$
#variable_conflict use_column
DECLARE
    v_core CONSTANT jsonb := split_part(convert_from(p_entry, 'UTF8'), E'\n', 1);
    v_type CONSTANT text := v_core ->> 't';
    v_said CONSTANT jsonb := v_core -> 'd';
    v_keys uuid[];
    v_before bytea;
    v_outcome text;
    v_position bigint;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'ledger_erase runs under READ COMMITTED only'
            USING ERRCODE = 'invalid_transaction_state';
    END IF;
    IF p_partition IS DISTINCT FROM 0 THEN
        RAISE EXCEPTION 'partition % has no append lock', p_partition
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    v_keys := ARRAY(SELECT k::uuid FROM jsonb_array_elements_text(v_said -> 'keys') AS k);
    SELECT e.entry INTO v_before FROM ledger.events e
     WHERE e.stream_id = p_stream AND e.version = p_expected;
    IF (v_type IN ('erasure.executed', 'retention.executed')
        AND jsonb_typeof(v_said -> 'blobs') = 'number'
        AND jsonb_typeof(v_said -> 'classes') = 'array'
        AND jsonb_typeof(v_said -> 'identifiers') = 'boolean'
        AND jsonb_typeof(v_said -> 'root') = 'string'
        AND cardinality(v_keys) = (SELECT count(DISTINCT k) FROM unnest(v_keys) AS k)
        AND octet_length(p_entry) <= 65535
        AND (v_before IS NULL OR p_entry LIKE ledger.entry_pattern(
            (v_core ->> 'id')::uuid, p_expected + 1, v_before, p_stream, v_type, NULL))
        ) IS NOT TRUE
    THEN
        RAISE EXCEPTION 'not an entry of erasure or retention at its place'
            USING ERRCODE = 'data_exception';
    END IF;

    LOCK TABLE ledger.append_lock_0 IN EXCLUSIVE MODE;

    v_outcome := ledger.erase_fault(p_stream, p_expected, p_entry, v_before, v_keys,
                                    (v_said ->> 'blobs')::int, v_said ->> 'root');
    IF v_outcome IS NOT NULL THEN
        RETURN QUERY SELECT v_outcome, NULL::bigint, 0, 0, 0;
        RETURN;
    END IF;
    SELECT e.position + 1 INTO v_position FROM ledger.events e
     WHERE e.partition = p_partition ORDER BY e.position DESC LIMIT 1;
    INSERT INTO ledger.events (partition, position, stream_id, version, event_id, type, entry)
    VALUES (p_partition, v_position, p_stream, p_expected + 1, (v_core ->> 'id')::uuid, v_type,
            p_entry);
    RETURN QUERY
    SELECT 'appended', v_position, d.blobs, d.keys, d.tokens
      FROM ledger.erase_destroy(
               p_stream, v_keys, ARRAY(SELECT jsonb_array_elements_text(v_said -> 'classes')),
               (v_said ->> 'identifiers')::boolean) AS d;
END
$function$
