-- Gives a rewriting up: the twin goes, with what was copied, and the table is as if none had begun.
-- Outcomes: abandoned; idle (there is none); busy (somebody holds the table).
CREATE OR REPLACE FUNCTION ledger.ledger_rewrite_abandon(p_table text)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '100ms'
AS $function$
DECLARE
    v_table CONSTANT text := format('ledger.%I', p_table);
    v_trigger text;
BEGIN
    IF NOT EXISTS (SELECT FROM ledger.rewrites r WHERE r.relation = p_table AND r.phase <> 'idle') THEN
        RETURN 'idle';
    END IF;
    EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', v_table);
    PERFORM FROM ledger.rewrites r WHERE r.relation = p_table FOR UPDATE;
    FOR v_trigger IN
        SELECT t.tgname FROM pg_trigger t
         WHERE t.tgrelid = v_table::regclass AND t.tgfoid = 'ledger.rewrite_follow'::regproc
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', v_trigger, v_table);
    END LOOP;
    EXECUTE format('DROP TABLE IF EXISTS ledger.%I', p_table || '_next');
    UPDATE ledger.rewrites r SET phase = 'idle', waits_for = '{}' WHERE r.relation = p_table;
    RETURN 'abandoned';
EXCEPTION WHEN lock_not_available THEN
    RETURN 'busy';
END
$function$
