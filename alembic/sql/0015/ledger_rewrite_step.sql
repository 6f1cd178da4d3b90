-- One step of writing a table anew, a transaction of its own: copies the next rows into the twin, or
-- compares the next rows of both, some `p_bytes_max` bytes at a time in the order of their file.
-- Appends wait for nothing here; an erasure waits for the end of the step. A step that was broken
-- off is made again: a row that is there already stays as it is.
--
-- Phases: copying; comparing (each row of the table is in the twin, and equal); comparing-back (each
-- row of the twin is in the table); ready. Where a file was changed by somebody else meanwhile
-- (VACUUM FULL), the phase is begun again. Outcomes: the phase; differs (the two are not the same:
-- a defect; abandon it); busy. `done` and `whole` are blocks of the phase.
CREATE OR REPLACE FUNCTION ledger.ledger_rewrite_step(p_table text, p_bytes_max bigint)
RETURNS TABLE (outcome text, done bigint, whole bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '500ms'
-- The twin has no statistics yet: no plan may read a table from end to end.
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_seqscan = off
AS $function$
DECLARE
    v_table CONSTANT text := format('ledger.%I', p_table);
    v_twin CONSTANT text := format('ledger.%I', p_table || '_next');
    v_state ledger.rewrites;
    v_xact CONSTANT bigint := pg_current_xact_id()::text::bigint;
    v_from text;
    v_columns text;
    v_keys text;
    v_same text;
    v_equal text;
    v_size text;
    v_to tid;
    v_last tid;
    v_more boolean;
    v_faults bigint := 0;
BEGIN
    SELECT * INTO v_state FROM ledger.rewrites r WHERE r.relation = p_table FOR UPDATE;
    IF v_state.phase IS NULL OR v_state.xact = v_xact
       OR current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'each step of a rewriting is a transaction of its own'
            USING ERRCODE = 'invalid_transaction_state';
    END IF;
    IF v_state.phase IN ('idle', 'ready') THEN
        RETURN QUERY SELECT v_state.phase, 0::bigint, 0::bigint;
        RETURN;
    END IF;
    -- Whoever puts the rows into another file has ended, or waits.
    EXECUTE format('LOCK TABLE %s, %s IN ACCESS SHARE MODE', v_table, v_twin);
    v_from := CASE v_state.phase WHEN 'comparing-back' THEN v_twin ELSE v_table END;
    IF v_state.files <> format('%s %s', pg_relation_filenode(v_table), pg_relation_filenode(v_twin)) THEN
        v_state.files := format('%s %s', pg_relation_filenode(v_table), pg_relation_filenode(v_twin));
        v_state.at := '(0,0)';
        -- What comes later is followed by the triggers.
        v_state.end_block := pg_relation_size(v_from) / current_setting('block_size')::int;
    END IF;
    SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum),
           string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FILTER (WHERE k.found),
           string_agg(format('n.%1$I = s.%1$I', a.attname), ' AND ') FILTER (WHERE k.found),
           string_agg(format('n.%1$I IS NOT DISTINCT FROM s.%1$I', a.attname), ' AND '),
           string_agg(format('coalesce(pg_column_size(s.%I), 0)', a.attname), ' + ')
      INTO v_columns, v_keys, v_same, v_equal, v_size
      FROM pg_attribute a
      JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary
      CROSS JOIN LATERAL (SELECT a.attnum = ANY (i.indkey::int[]) AS found) k
     WHERE a.attrelid = v_table::regclass AND a.attnum > 0 AND NOT a.attisdropped;
    v_to := format('(%s,0)', least(v_state.end_block,
        split_part(trim('(' FROM v_state.at), ',', 1)::bigint
        + greatest(p_bytes_max / current_setting('block_size')::int, 1)))::tid;
    -- A page may hold references to a hundred photographs: it is not always copied at once.
    EXECUTE format(
        'SELECT max(w.at) FILTER (WHERE w.before < $3), bool_or(w.before >= $3) FROM ('
        ' SELECT s.ctid AS at, sum(%1$s) OVER (ORDER BY s.ctid) - (%1$s) AS before FROM %2$s s'
        ' WHERE s.ctid > $1 AND s.ctid <= $2) w', v_size, v_from)
       INTO v_last, v_more USING v_state.at::tid, v_to, p_bytes_max;
    IF NOT coalesce(v_more, false) THEN
        v_last := v_to;
    END IF;
    IF v_state.phase = 'copying' THEN
        EXECUTE format(
            'INSERT INTO %s (%s) SELECT %2$s FROM %s s WHERE s.ctid > $1 AND s.ctid <= $2'
            ' ON CONFLICT (%s) DO NOTHING', v_twin, v_columns, v_table, v_keys)
          USING v_state.at::tid, v_last;
    ELSE
        EXECUTE format(
            'SELECT count(*) FROM %s s WHERE s.ctid > $1 AND s.ctid <= $2'
            ' AND NOT EXISTS (SELECT FROM %s n WHERE %s AND %s)',
            v_from, CASE v_from WHEN v_table THEN v_twin ELSE v_table END, v_same, v_equal)
           INTO v_faults USING v_state.at::tid, v_last;
    END IF;
    IF v_faults > 0 THEN
        RETURN QUERY SELECT 'differs', v_faults, 0::bigint;
        RETURN;
    END IF;
    v_state.at := v_last::text;
    IF v_last >= format('(%s,0)', v_state.end_block)::tid THEN
        CASE v_state.phase
        WHEN 'copying' THEN
            v_state.phase := 'comparing';
        WHEN 'comparing' THEN
            v_state.phase := 'comparing-back';
            -- The last copy is committed. Who has looked at the database before may see less than
            -- all of the twin: the names are not exchanged before these transactions have ended.
            SELECT coalesce(array_agg(l.virtualtransaction), '{}') INTO v_state.waits_for
              FROM pg_locks l JOIN pg_stat_activity p ON p.pid = l.pid
             WHERE l.locktype = 'virtualxid' AND l.granted AND l.pid <> pg_backend_pid()
               AND p.datname = current_database() AND p.usesysid IS NOT NULL  -- no autovacuum
               AND p.backend_xmin IS NOT NULL;
        ELSE
            v_state.phase := 'ready';
        END CASE;
        v_state.files := '';
    END IF;
    UPDATE ledger.rewrites r
       SET phase = v_state.phase, files = v_state.files, at = v_state.at,
           end_block = v_state.end_block, waits_for = v_state.waits_for, xact = v_xact
     WHERE r.relation = p_table;
    RETURN QUERY SELECT v_state.phase,
                        CASE v_state.files WHEN '' THEN v_state.end_block
                             ELSE split_part(trim('(' FROM v_state.at), ',', 1)::bigint END,
                        v_state.end_block;
EXCEPTION WHEN lock_not_available THEN
    RETURN QUERY SELECT 'busy', 0::bigint, 0::bigint;
END
$function$
