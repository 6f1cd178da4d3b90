-- The short path of an idle process: one command with exactly one event, and neither identifiers nor
-- suppressions. The outcomes and the order of the checks are those of ledger_append, and so are the
-- tests. It exists for its latency: scalars and a handful of statements (docs/decisions/0002).
CREATE OR REPLACE FUNCTION ledger.ledger_append_one(
    p_partition int, p_stream uuid, p_expected int, p_control int,
    p_client text, p_key bytea, p_key_previous bytea,
    p_fingerprint bytea, p_fingerprint_previous bytea,
    p_id uuid, p_type text, p_entry bytea,
    s_key uuid[], s_class text[], s_blob bytea[],  -- the sections in their order
    k_id uuid[], k_class text[], k_generation text[], k_epoch int[], k_wrapped bytea[],
    OUT outcome text, OUT stream_id uuid,
    OUT first_version int, OUT last_version int, OUT first_position bigint
)
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
    v_before bytea;
    v_control int;
    v_next boolean;
    v_known boolean;
    v_at bytea;
    v_seals text;
    v_key int := 1;  -- the next new key to be opened
    v_opens boolean;
    v_own boolean := true;
    v_fenced boolean := false;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' OR p_partition IS DISTINCT FROM 0
        OR p_type IN ('erasure.executed', 'retention.executed') OR p_expected >= 0 IS NOT TRUE
    THEN
        RAISE EXCEPTION 'not under READ COMMITTED, or not a command of this partition and function'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;

    LOCK TABLE ledger.append_lock_0 IN EXCLUSIVE MODE;

    SELECT (SELECT e.position FROM ledger.events e
             WHERE e.partition = 0 ORDER BY e.position DESC LIMIT 1),
           CASE WHEN p_control IS NOT NULL THEN (
               SELECT e.version FROM ledger.events e
                WHERE e.stream_id = (SELECT i.control_stream FROM ledger.ledger_identity i
                                      WHERE i.one)
                ORDER BY e.version DESC LIMIT 1) END,
           (SELECT e.entry FROM ledger.events e
             WHERE e.stream_id = p_stream AND e.version = p_expected),
           EXISTS (SELECT FROM ledger.events e
                    WHERE e.stream_id = p_stream AND e.version = p_expected + 1),
           CASE WHEN p_client IS NOT NULL THEN EXISTS (
               SELECT FROM ledger.idempotency i
                WHERE i.client = p_client AND i.key = ANY (ARRAY[p_key, p_key_previous])) END
      INTO first_position, v_control, v_before, v_next, v_known;
    IF v_known THEN
        SELECT CASE WHEN r.same THEN 'replayed' ELSE 'key-reused' END,
               CASE WHEN r.same THEN r.stream_id ELSE p_stream END,
               CASE WHEN r.same THEN r.first_version END,
               CASE WHEN r.same THEN r.last_version END,
               CASE WHEN r.same THEN r.position END
          INTO outcome, stream_id, first_version, last_version, first_position
          FROM (SELECT i.stream_id, i.first_version, i.last_version, e.position,
                       i.fingerprint = CASE i.key WHEN p_key THEN p_fingerprint
                                       ELSE p_fingerprint_previous END AS same
                  FROM ledger.idempotency i
                  LEFT JOIN ledger.events e
                         ON e.stream_id = i.stream_id AND e.version = i.first_version
                 WHERE i.client = p_client AND i.key = ANY (ARRAY[p_key, p_key_previous])
                 ORDER BY i.key = p_key DESC LIMIT 1) AS r;
        RETURN;
    END IF;
    FOR v_i IN 1 .. cardinality(s_key) LOOP
        v_opens := s_key[v_i] = k_id[v_key] AND s_class[v_i] = k_class[v_key];
        v_seals := concat_ws(',', v_seals, ledger.seal_pattern(
            v_i - 1, s_key[v_i], s_class[v_i], s_blob[v_i], v_opens));
        IF v_opens THEN
            v_key := v_key + 1;
        ELSIF array_position(k_id, s_key[v_i]) < v_key THEN
            v_own := v_own AND s_class[v_i] = k_class[array_position(k_id, s_key[v_i])];
        ELSE
            SELECT v_own AND r.subject_id = p_stream AND r.class = s_class[v_i],
                   v_fenced OR r.state <> 'active'
              INTO v_own, v_fenced FROM ledger.keyring r WHERE r.key_id = s_key[v_i];
        END IF;
    END LOOP;
    stream_id := p_stream;
    v_at := substring(p_entry FROM 8 FOR 27);
    outcome := CASE
        WHEN p_control <> coalesce(v_control, 0) THEN 'stale-control'
        WHEN v_next OR (p_expected > 0 AND v_before IS NULL) THEN 'version-conflict'
        WHEN (v_own AND v_key > cardinality(k_id) AND octet_length(p_entry) <= 65535
              AND p_entry LIKE ledger.entry_pattern(
                  p_id, p_expected + 1, v_before, p_stream, p_type, v_seals)) IS NOT TRUE
        THEN 'malformed'
        WHEN v_at < substring(v_before FROM 8 FOR 27)
             OR v_at < ledger.entry_time(clock_timestamp() - interval '5 seconds')
             OR v_at > ledger.entry_time(clock_timestamp() + interval '5 seconds')
        THEN 'stale-clock'
        WHEN k_id <> '{}' THEN ledger.append_one_key_fault(p_stream, k_class, k_epoch)
    END;
    IF outcome IS NULL AND v_fenced THEN
        outcome := 'fenced';
    END IF;
    IF outcome = 'malformed' THEN
        RAISE EXCEPTION 'an entry contradicts its row, its predecessor, its seals or their keys'
            USING ERRCODE = 'data_exception';
    ELSIF outcome IS NOT NULL THEN
        first_position := NULL;
        RETURN;
    END IF;
    IF k_id <> '{}' THEN
        INSERT INTO ledger.keyring (key_id, subject_id, class, generation, epoch, wrapped)
        SELECT k.id, p_stream, k.class, k.generation, k.epoch, k.wrapped
          FROM unnest(k_id, k_class, k_generation, k_epoch, k_wrapped)
               AS k(id, class, generation, epoch, wrapped);
    END IF;
    WITH sections AS (
        INSERT INTO ledger.sealed (stream_id, version, section, key_id, blob)
        SELECT p_stream, p_expected + 1, s.n - 1, s.key, s.blob
          FROM unnest(s_key, s_blob) WITH ORDINALITY AS s(key, blob, n)
    ), request AS (
        INSERT INTO ledger.idempotency
               (client, key, fingerprint, outcome, stream_id, first_version, last_version,
                batch_first, batch_size)
        SELECT p_client, p_key, p_fingerprint, 'appended', p_stream, p_expected + 1, p_expected + 1,
               coalesce(first_position + 1, 0), 1
         WHERE p_client IS NOT NULL
    )
    INSERT INTO ledger.events (partition, position, stream_id, version, event_id, type, entry)
    VALUES (0, coalesce(first_position + 1, 0), p_stream, p_expected + 1, p_id, p_type, p_entry)
    RETURNING 'appended', version, version, position
         INTO outcome, first_version, last_version, first_position;
END
$function$
