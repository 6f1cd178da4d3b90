-- Begins to write one of the tables that erasure takes rows from anew, beside living appends, so
-- that the bytes of what was deleted are in none of its files (E2; docs/decisions/0014). Makes an
-- empty twin that nobody reads, and triggers that bring every later change into it. Takes no append
-- lock: of the table it takes what keeps writers off, for the milliseconds that the triggers need.
--
-- Outcomes: begun; copying, comparing, … (one is under way already, where it was left); busy (the
-- lock was not to be had at once: again later); unlike (the twin is not what its model is: somebody
-- gave the table something that is not copied; nothing was begun).
-- `through` is the newest position of the log: what any entry up to it destroyed will not be there.
-- `bytes` is what the twin may take, with its indexes.
CREATE OR REPLACE FUNCTION ledger.ledger_rewrite_begin(p_table text)
RETURNS TABLE (outcome text, through bigint, bytes bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '100ms'
AS $function$
DECLARE
    v_table CONSTANT text := format('ledger.%I', p_table);
    v_keys text;
    v_phase text;
    v_event text;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'a table is written anew under READ COMMITTED only'
            USING ERRCODE = 'invalid_transaction_state';
    END IF;
    SELECT r.phase INTO v_phase FROM ledger.rewrites r WHERE r.relation = p_table FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'nothing is erased from table %', p_table
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    bytes := pg_total_relation_size(v_table::regclass);
    IF v_phase <> 'idle' THEN
        RETURN QUERY SELECT v_phase, r.through, ledger_rewrite_begin.bytes
                       FROM ledger.rewrites r WHERE r.relation = p_table;
        RETURN;
    END IF;
    PERFORM ledger.rewrite_twin(p_table);
    IF ledger.rewrite_shape(p_table, p_table)
       IS DISTINCT FROM ledger.rewrite_shape(p_table || '_next', p_table) THEN
        RAISE EXCEPTION USING ERRCODE = 'LR001', MESSAGE = 'unlike';
    END IF;
    SELECT string_agg(quote_literal(a.attname), ', ' ORDER BY k.at) INTO v_keys
      FROM pg_index i
      CROSS JOIN LATERAL unnest(i.indkey::int[]) WITH ORDINALITY AS k(number, at)
      JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
     WHERE i.indrelid = v_table::regclass AND i.indisprimary;
    -- From here to the commit writers of this table wait. Nobody who destroys is under way by then,
    -- and whoever does it later has a later position and meets the triggers.
    EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', v_table);
    FOREACH v_event IN ARRAY ARRAY['INSERT', 'UPDATE', 'DELETE'] LOOP
        EXECUTE format(
            'CREATE TRIGGER %I AFTER %s ON %s REFERENCING %s FOR EACH STATEMENT'
            ' EXECUTE FUNCTION ledger.rewrite_follow(%s)',
            'rewrite_' || lower(v_event), v_event, v_table,
            CASE v_event WHEN 'INSERT' THEN 'NEW TABLE AS fresh'
                         WHEN 'DELETE' THEN 'OLD TABLE AS gone'
                         ELSE 'OLD TABLE AS gone NEW TABLE AS fresh' END,
            v_keys);
        EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', v_table,
                       'rewrite_' || lower(v_event));
    END LOOP;
    SELECT e.position INTO through FROM ledger.events e
     WHERE e.partition = 0 ORDER BY e.position DESC LIMIT 1;
    through := coalesce(through, -1);
    UPDATE ledger.rewrites r
       SET phase = 'copying', begun_at = clock_timestamp(), through = ledger_rewrite_begin.through,
           files = '', at = '(0,0)', end_block = 0, waits_for = '{}',
           xact = pg_current_xact_id()::text::bigint
     WHERE r.relation = p_table;
    outcome := 'begun';
    RETURN NEXT;
EXCEPTION
    WHEN lock_not_available THEN
        RETURN QUERY SELECT 'busy', NULL::bigint, NULL::bigint;
    WHEN SQLSTATE 'LR001' THEN
        RETURN QUERY SELECT 'unlike', NULL::bigint, NULL::bigint;
END
$function$
