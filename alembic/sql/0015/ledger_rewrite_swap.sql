-- Ends a rewriting: drops the table, with it the files that hold what was erased, and gives its
-- names to the twin. Every row was copied and compared before and every change since was followed,
-- so that nothing is copied here: writers and readers wait for the milliseconds that names take.
--
-- A snapshot from before the exchange reads the same rows from the twin as from the table, since
-- it waits until nobody has one from before the last copy. It takes the table's lock alone, and for
-- a tenth of a second at most (less than half of what an append waits before it looks for a
-- deadlock): of two that wait for each other this gives way, never the append.
--
-- Outcomes: rewritten; copying, comparing, … (not ready); idle (not begun, or ended by somebody
-- else); waiting (somebody has an older snapshot); busy (somebody holds the table); unlike (the
-- table was altered since the begin: abandon it). `wal` is where the write-ahead log then stood.
CREATE OR REPLACE FUNCTION ledger.ledger_rewrite_swap(p_table text)
RETURNS TABLE (outcome text, through bigint, wal bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '100ms'
AS $function$
DECLARE
    v_table CONSTANT text := format('ledger.%I', p_table);
    v_twin CONSTANT text := format('ledger.%I', p_table || '_next');
    v_state ledger.rewrites;
    v_shape jsonb;
    v_statement text;
BEGIN
    SELECT * INTO v_state FROM ledger.rewrites r WHERE r.relation = p_table;
    IF v_state.phase <> 'ready' THEN
        RETURN QUERY SELECT v_state.phase, v_state.done_through, v_state.done_wal;
        RETURN;
    END IF;
    IF EXISTS (SELECT FROM pg_locks l WHERE l.locktype = 'virtualxid'
                  AND l.virtualtransaction = ANY (v_state.waits_for)) THEN
        RETURN QUERY SELECT 'waiting', NULL::bigint, NULL::bigint;
        RETURN;
    END IF;
    PERFORM set_config('lock_timeout', greatest(least(100, (EXTRACT(
        epoch FROM current_setting('deadlock_timeout')::interval) * 500)::int), 1)::text, true);
    EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', v_table);
    SELECT * INTO v_state FROM ledger.rewrites r WHERE r.relation = p_table FOR UPDATE;
    IF v_state.phase <> 'ready' THEN
        RETURN QUERY SELECT v_state.phase, v_state.done_through, v_state.done_wal;
        RETURN;
    END IF;
    v_shape := ledger.rewrite_shape(p_table, p_table);
    EXECUTE format('ALTER TABLE %s RESET (autovacuum_enabled, toast.autovacuum_enabled)', v_twin);
    EXECUTE format('DROP TABLE %s', v_table);
    EXECUTE format('ALTER TABLE %s RENAME TO %I', v_twin, p_table);
    FOR v_statement IN
        SELECT format('ALTER TABLE %s RENAME CONSTRAINT %I TO %I', v_table, c.conname,
                      replace(c.conname, p_table || '_next', p_table))
          FROM pg_constraint c
         WHERE c.conrelid = v_table::regclass AND strpos(c.conname, p_table || '_next') > 0
        UNION ALL
        SELECT format('ALTER INDEX ledger.%I RENAME TO %I', x.relname,
                      replace(x.relname, p_table || '_next', p_table))
          FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
         WHERE i.indrelid = v_table::regclass AND strpos(x.relname, p_table || '_next') > 0
           AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
    LOOP
        EXECUTE v_statement;
    END LOOP;
    IF ledger.rewrite_shape(p_table, p_table) IS DISTINCT FROM v_shape THEN
        RAISE EXCEPTION USING ERRCODE = 'LR001', MESSAGE = 'unlike';
    END IF;
    wal := (pg_current_wal_insert_lsn() - '0/0')::bigint;
    UPDATE ledger.rewrites r
       SET phase = 'idle', waits_for = '{}', done_at = clock_timestamp(),
           done_through = r.through, done_wal = ledger_rewrite_swap.wal
     WHERE r.relation = p_table;
    outcome := 'rewritten';
    through := v_state.through;
    RETURN NEXT;
EXCEPTION
    WHEN lock_not_available THEN
        RETURN QUERY SELECT 'busy', NULL::bigint, NULL::bigint;
    WHEN SQLSTATE 'LR001' OR dependent_objects_still_exist THEN
        RETURN QUERY SELECT 'unlike', NULL::bigint, NULL::bigint;
END
$function$
