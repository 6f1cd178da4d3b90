-- Writes one of the tables that erasure takes rows from anew, so that the bytes of what was deleted
-- are in none of its files (E2). Rows that live are copied as one snapshot under the append lock
-- sees them; nothing else is, however old a transaction is that may still look. Name, rights and
-- triggers of the table stay.
--
-- Outcomes: rewritten; busy (somebody holds a lock: again later); too-large (the copy would take
-- longer than writers should wait). `through` is the newest position of the log: what any entry up
-- to it destroyed is gone from the files. `wal` is where the write-ahead log then stood.
CREATE OR REPLACE FUNCTION ledger.ledger_rewrite(p_table text, p_bytes_max bigint)
RETURNS TABLE (outcome text, through bigint, wal bigint, bytes bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '500ms'
AS $function$
DECLARE
    v_column CONSTANT text := CASE p_table
        WHEN 'sealed' THEN 'section' WHEN 'keyring' THEN 'epoch' WHEN 'identifiers' THEN 'epoch' END;
    v_type CONSTANT text := CASE p_table WHEN 'sealed' THEN 'smallint' ELSE 'integer' END;
    v_table CONSTANT text := format('ledger.%I', p_table);
    v_through bigint;
BEGIN
    IF v_column IS NULL THEN
        RAISE EXCEPTION 'nothing is erased from table %', p_table
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF pg_total_relation_size(v_table::regclass) > p_bytes_max THEN
        RETURN QUERY SELECT 'too-large', NULL::bigint, NULL::bigint,
                            pg_total_relation_size(v_table::regclass);
        RETURN;
    END IF;
    -- Half of what a waiting append lets pass before it looks for a deadlock: an append that has read
    -- the table already and waits for the append lock would otherwise be the one that is ended.
    PERFORM set_config('lock_timeout', greatest(
        (EXTRACT(epoch FROM current_setting('deadlock_timeout')::interval) * 500)::int, 1)::text, true);
    BEGIN
        LOCK TABLE ledger.append_lock_0 IN EXCLUSIVE MODE;
        EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', v_table);
    EXCEPTION WHEN lock_not_available THEN
        RETURN QUERY SELECT 'busy', NULL::bigint, NULL::bigint, NULL::bigint;
        RETURN;
    END;
    SELECT e.position INTO v_through FROM ledger.events e
     WHERE e.partition = 0 ORDER BY e.position DESC LIMIT 1;
    -- An expression, however idle, makes PostgreSQL write every row into new files.
    EXECUTE format('ALTER TABLE %s ALTER COLUMN %I TYPE %s USING (%I + 0)::%s',
                   v_table, v_column, v_type, v_column, v_type);
    RETURN QUERY SELECT 'rewritten', v_through, (pg_current_wal_insert_lsn() - '0/0')::bigint,
                        pg_total_relation_size(v_table::regclass);
END
$function$
