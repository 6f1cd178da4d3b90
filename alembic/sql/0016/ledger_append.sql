-- Appends a batch of commands: the only way into the log besides ledger_erase (DESIGN 2.5).
--
-- Answers one row a command; indices count from 1. A command that loses leaves nothing behind and
-- harms no other command, except those of its own group. Misshapen input is a defect of the caller
-- and raises; the caller then sends the commands one by one.
--
-- Kept from profiling, for whoever changes this text (docs/decisions/0002):
--   * The lock is a statement of its own, before the reads that it protects: a lock taken inside the
--     reading statement, or any isolation above READ COMMITTED, reads with a snapshot from before
--     the lock and hands out positions twice.
--   * The plan settings hang on the function, since a session's break under a transaction pooler.
--     Without them PL/pgSQL keeps the plan it made while the tables were empty: a scan of all of it.
--   * No subquery is correlated to an unnest, and no two unnests are joined: with hash joins off
--     that is quadratic. What belongs together is unnested together.
--   * What needs no lock (shape, bytes, hash chain, keys) is checked before it is taken.
--   * Each statement and each expression of PL/pgSQL is set up anew in every transaction, which costs
--     a lone command more than its index probes: ledger_append_one has fewer of both.
CREATE OR REPLACE FUNCTION ledger.ledger_append(
    p_partition int,
    c_stream uuid[], c_expected int[], c_control int[], c_group int[],
    c_client text[], c_key bytea[], c_key_previous bytea[],
    c_fingerprint bytea[], c_fingerprint_previous bytea[],
    e_command int[], e_id uuid[], e_type text[], e_entry bytea[],
    s_event int[], s_section int[], s_key uuid[], s_class text[], s_blob bytea[],
    k_command int[], k_id uuid[], k_class text[], k_generation text[], k_epoch int[],
    k_wrapped bytea[],
    i_command int[], i_kind text[], i_token bytea[], i_epoch int[], i_release boolean[],
    r_command int[], r_purpose text[], r_token bytea[]
) RETURNS TABLE (
    command int, outcome text, stream_id uuid,
    first_version int, last_version int, first_position bigint
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
    v_entry CONSTANT bytea[] := e_entry;  -- a local array is unpacked once, an argument each time
    v_version int[];   -- an event
    v_new boolean[];   -- a seal: its key is new
    v_before bytea[];  -- a command: the entry at its expected version
    v_fault text[];    -- a command
    v_stale boolean[]; -- a command
    v_outcome text[];  -- a command: NULL while it can still win
    v_streams int;
    v_position bigint;
    v_begin bigint;    -- the first position of this call
    v_first bigint[] := array_fill(NULL::bigint, ARRAY[cardinality(c_stream)]);
    v_last int[] := c_expected;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'ledger_append runs under READ COMMITTED only'
            USING ERRCODE = 'invalid_transaction_state';
    ELSIF p_partition IS DISTINCT FROM 0 THEN
        RAISE EXCEPTION 'partition % has no append lock', p_partition
            USING ERRCODE = 'invalid_parameter_value';
    ELSIF (cardinality(c_stream) = ALL (ARRAY[
            cardinality(c_expected), cardinality(c_control), cardinality(c_group),
            cardinality(c_client), cardinality(c_key), cardinality(c_key_previous),
            cardinality(c_fingerprint), cardinality(c_fingerprint_previous)])
        AND cardinality(e_command) = ALL (ARRAY[
            cardinality(e_id), cardinality(e_type), cardinality(e_entry)])) IS NOT TRUE
    THEN
        RAISE EXCEPTION 'arrays of unequal length' USING ERRCODE = 'array_subscript_error';
    END IF;
    v_version := ledger.append_versions(
        c_expected, e_command, e_type, k_command || i_command || r_command, s_event);
    IF c_stream = '{}' THEN
        RETURN;
    END IF;
    SELECT array_agg(b.entry ORDER BY c.n), count(DISTINCT c.stream)
      INTO v_before, v_streams
      FROM unnest(c_stream, c_expected) WITH ORDINALITY AS c(stream, expected, n)
      LEFT JOIN ledger.events b ON b.stream_id = c.stream AND b.version = c.expected;
    IF v_streams <> cardinality(c_stream) THEN
        RAISE EXCEPTION 'two commands of a batch share a stream'
            USING ERRCODE = 'cardinality_violation';
    END IF;
    v_new := ledger.append_check_entries(
        c_stream, v_before, e_command, v_version, e_id, e_type, v_entry,
        s_event, s_section, s_key, s_class, s_blob, k_command, k_id, k_class);
    v_fault := ledger.append_key_faults(
        c_stream, c_expected, v_before, e_command, s_event, s_key, s_class, v_new,
        k_command, k_class);

    LOCK TABLE ledger.append_lock_0 IN EXCLUSIVE MODE;

    v_stale := ledger.append_stale_clocks(v_before, e_command, v_entry);
    SELECT array_agg(CASE
               WHEN a.key IS NOT NULL THEN
                   CASE WHEN a.fingerprint = c.fingerprint THEN 'replayed' ELSE 'key-reused' END
               WHEN b.key IS NOT NULL THEN
                   CASE WHEN b.fingerprint = c.fingerprint_previous
                        THEN 'replayed' ELSE 'key-reused' END
               -- A control command earlier in the batch changes what the later were decided under.
               WHEN c.control <> coalesce((
                        SELECT e.version FROM ledger.events e
                         WHERE e.stream_id = (SELECT i.control_stream
                                                FROM ledger.ledger_identity i WHERE i.one)
                         ORDER BY e.version DESC LIMIT 1), 0)
                    OR c.control IS NOT NULL AND c.n > (
                        SELECT array_position(c_stream, i.control_stream)
                          FROM ledger.ledger_identity i WHERE i.one)
               THEN 'stale-control'
               WHEN next.version IS NOT NULL OR (c.expected > 0 AND c.before IS NULL)
               THEN 'version-conflict'
               WHEN c.stale THEN 'stale-clock'
               ELSE c.fault
           END ORDER BY c.n),
           coalesce((SELECT e.position + 1 FROM ledger.events e
                      WHERE e.partition = p_partition ORDER BY e.position DESC LIMIT 1), 0)
      INTO v_outcome, v_position
      FROM unnest(c_stream, c_expected, c_control, c_client, c_key, c_key_previous,
                  c_fingerprint, c_fingerprint_previous, v_before, v_stale, v_fault)
           WITH ORDINALITY
           AS c(stream, expected, control, client, key, key_previous,
                fingerprint, fingerprint_previous, before, stale, fault, n)
      LEFT JOIN ledger.idempotency a ON a.client = c.client AND a.key = c.key
      LEFT JOIN ledger.idempotency b ON b.client = c.client AND b.key = c.key_previous
      LEFT JOIN ledger.events next ON next.stream_id = c.stream AND next.version = c.expected + 1;
    IF k_id <> '{}' THEN
        v_outcome := ledger.append_epoch_faults(v_outcome, k_command, k_epoch);
    END IF;
    IF i_token <> '{}' THEN
        v_outcome := ledger.append_token_faults(v_outcome, i_command, i_epoch, i_release);
    END IF;
    -- Groups before identifiers: who loses with its group claims no token in another's way.
    v_outcome := ledger.append_group_faults(v_outcome, c_group);
    IF i_token <> '{}' THEN
        v_outcome := ledger.append_identifier_faults(
            v_outcome, c_stream, i_command, i_kind, i_token, i_release);
        v_outcome := ledger.append_group_faults(v_outcome, c_group);
    END IF;

    v_begin := v_position;
    FOR v_i IN 1 .. cardinality(e_command) LOOP
        CONTINUE WHEN v_outcome[e_command[v_i]] IS NOT NULL;
        v_first[e_command[v_i]] := coalesce(v_first[e_command[v_i]], v_position);
        v_last[e_command[v_i]] := v_version[v_i];
        v_position := v_position + 1;
    END LOOP;

    INSERT INTO ledger.events (partition, position, stream_id, version, event_id, type, entry)
    SELECT p_partition, v_first[e.command] + e.version - c_expected[e.command] - 1,
           c_stream[e.command], e.version, e.id, e.type, e.entry
      FROM unnest(e_command, v_version, e_id, e_type, v_entry)
           AS e(command, version, id, type, entry)
     WHERE v_outcome[e.command] IS NULL;
    IF k_id <> '{}' THEN
        INSERT INTO ledger.keyring (key_id, subject_id, class, generation, epoch, wrapped)
        SELECT k.id, c_stream[k.command], k.class, k.generation, k.epoch, k.wrapped
          FROM unnest(k_command, k_id, k_class, k_generation, k_epoch, k_wrapped)
               AS k(command, id, class, generation, epoch, wrapped)
         WHERE v_outcome[k.command] IS NULL;
    END IF;
    IF s_key <> '{}' THEN
        INSERT INTO ledger.sealed (stream_id, version, section, key_id, blob)
        SELECT c_stream[e_command[s.event]], v_version[s.event], s.section, s.key, s.blob
          FROM unnest(s_event, s_section, s_key, s_blob) AS s(event, section, key, blob)
         WHERE v_outcome[e_command[s.event]] IS NULL;
    END IF;
    IF i_token <> '{}' THEN
        DELETE FROM ledger.identifiers t
         USING unnest(i_command, i_kind, i_token, i_release) AS i(command, kind, token, release)
         WHERE i.release AND v_outcome[i.command] IS NULL AND t.kind = i.kind
           AND t.token = i.token AND t.subject_id = c_stream[i.command];
        INSERT INTO ledger.identifiers (kind, token, epoch, subject_id)
        SELECT i.kind, i.token, i.epoch, c_stream[i.command]
          FROM unnest(i_command, i_kind, i_token, i_epoch, i_release)
               AS i(command, kind, token, epoch, release)
         WHERE NOT i.release AND v_outcome[i.command] IS NULL
            ON CONFLICT (kind, token) DO NOTHING;
    END IF;
    IF r_token <> '{}' THEN
        INSERT INTO ledger.suppressions (purpose, token)
        SELECT r.purpose, r.token FROM unnest(r_command, r_purpose, r_token)
               AS r(command, purpose, token)
         WHERE v_outcome[r.command] IS NULL
            ON CONFLICT (purpose, token) DO NOTHING;
    END IF;
    INSERT INTO ledger.idempotency
           (client, key, fingerprint, outcome, stream_id, first_version, last_version,
            batch_first, batch_size)
    SELECT c.client, c.key, c.fingerprint, 'appended', c.stream,
           CASE WHEN c.first IS NOT NULL THEN c.expected + 1 END,
           CASE WHEN c.first IS NOT NULL THEN c.last END,
           -- What one receipt key signs at once, so that a repeated request gets the same receipt.
           CASE WHEN c.first IS NOT NULL THEN v_begin END,
           CASE WHEN c.first IS NOT NULL THEN (v_position - v_begin)::int END
      FROM unnest(v_outcome, c_stream, c_expected, v_first, v_last, c_client, c_key, c_fingerprint)
           AS c(outcome, stream, expected, first, last, client, key, fingerprint)
     WHERE c.outcome IS NULL AND c.client IS NOT NULL;

    IF 'replayed' = ANY (v_outcome) THEN
        RETURN QUERY
        SELECT c.n::int, c.outcome, i.stream_id, i.first_version, i.last_version, e.position
          FROM (SELECT u.n, u.outcome, u.client,
                       CASE WHEN a.key IS NULL THEN u.key_previous ELSE u.key END AS key
                  FROM unnest(v_outcome, c_client, c_key, c_key_previous) WITH ORDINALITY
                       AS u(outcome, client, key, key_previous, n)
                  LEFT JOIN ledger.idempotency a ON a.client = u.client AND a.key = u.key
                 WHERE u.outcome = 'replayed') AS c
          JOIN ledger.idempotency i ON i.client = c.client AND i.key = c.key
          LEFT JOIN ledger.events e ON e.stream_id = i.stream_id AND e.version = i.first_version;
    END IF;
    RETURN QUERY
    SELECT c.n::int, coalesce(c.outcome, 'appended'), c.stream,
           CASE WHEN c.first IS NOT NULL THEN c.expected + 1 END,
           CASE WHEN c.first IS NOT NULL THEN c.last END, c.first
      FROM unnest(v_outcome, c_stream, c_expected, v_first, v_last) WITH ORDINALITY
           AS c(outcome, stream, expected, first, last, n)
     WHERE c.outcome IS DISTINCT FROM 'replayed';
END
$function$
