-- Makes the empty twin of a table, `<table>_next`: columns, defaults, checks, storage, indexes,
-- triggers, rights, what is not sampled and what is said of it, all read from the catalogue, so that
-- a later migration of the table needs no thought here. Only ledger_rewrite_begin calls it, and
-- compares the two by rewrite_shape. An index is named like its model, with the twin's name in it.
CREATE OR REPLACE FUNCTION ledger.rewrite_twin(p_table text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    v_model CONSTANT text := format('ledger.%I', p_table);
    v_twin CONSTANT text := format('ledger.%I', p_table || '_next');
    v_oid CONSTANT oid := v_model::regclass;
    v_statement text;
BEGIN
    EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING ALL EXCLUDING INDEXES)', v_twin, v_model);
    FOR v_statement IN
        -- Nothing is to be vacuumed that nobody reads yet; ledger_rewrite_swap takes this back.
        SELECT format('ALTER TABLE %s SET (autovacuum_enabled = false,'
                      ' toast.autovacuum_enabled = false)', v_twin)
        UNION ALL
        SELECT format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS %s',
                      v_twin, a.attname, a.attstattarget)
          FROM pg_attribute a
         WHERE a.attrelid = v_oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attstattarget >= 0
        UNION ALL
        SELECT format('ALTER TABLE %s ADD CONSTRAINT %I %s', v_twin,
                      replace(c.conname, p_table, p_table || '_next'), pg_get_constraintdef(c.oid))
          FROM pg_constraint c WHERE c.conrelid = v_oid AND c.contype IN ('p', 'u', 'x')
        UNION ALL
        SELECT replace(replace(pg_get_indexdef(i.indexrelid),
                               format(' INDEX %I ON', x.relname),
                               format(' INDEX %I ON', replace(x.relname, p_table, p_table || '_next'))),
                       format(' ON %s ', v_model), format(' ON %s ', v_twin))
          FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
         WHERE i.indrelid = v_oid
           AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
        UNION ALL
        SELECT replace(pg_get_triggerdef(t.oid), format(' ON %s ', v_model), format(' ON %s ', v_twin))
          FROM pg_trigger t WHERE t.tgrelid = v_oid AND NOT t.tgisinternal
        UNION ALL
        SELECT format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', v_twin, t.tgname)
          FROM pg_trigger t WHERE t.tgrelid = v_oid AND t.tgenabled = 'A'
        UNION ALL
        SELECT format('GRANT %s ON %s TO %s', g.privilege_type, v_twin, g.grantee::regrole)
          FROM pg_class c, aclexplode(c.relacl) g WHERE c.oid = v_oid
        UNION ALL
        SELECT format('GRANT %s (%I) ON %s TO %s',
                      g.privilege_type, a.attname, v_twin, g.grantee::regrole)
          FROM pg_attribute a, aclexplode(a.attacl) g WHERE a.attrelid = v_oid AND a.attnum > 0
        UNION ALL
        SELECT format('COMMENT ON TABLE %s IS %L', v_twin, obj_description(v_oid, 'pg_class'))
    LOOP
        EXECUTE v_statement;
    END LOOP;
END
$function$
