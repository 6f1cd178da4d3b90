-- Everything the catalogue says of a table but its rows, its files and its place on the disk: two
-- tables whose shapes are equal differ in nothing that a program, a role or a migration could meet.
-- Names are told as of `p_as`, so that a twin compares with its model. What keeps a twin up to date
-- (rewrite_follow) and keeps the vacuum from it belongs to a rewriting and is left out.
CREATE OR REPLACE FUNCTION ledger.rewrite_shape(p_table text, p_as text) RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
    WITH t AS (SELECT c.* FROM pg_class c WHERE c.oid = format('ledger.%I', p_table)::regclass)
    SELECT replace(jsonb_build_object(
        'table', (SELECT jsonb_build_array(
                t.relname, t.relkind, t.relpersistence, t.relowner::regrole, t.reltablespace, t.relam,
                t.relreplident, t.relrowsecurity, t.relforcerowsecurity, t.reloftype, t.relispartition,
                obj_description(t.oid, 'pg_class'),
                (SELECT array_agg(o ORDER BY o) FROM unnest(t.reloptions) o
                  WHERE o <> 'autovacuum_enabled=false'),
                (SELECT array_agg(o ORDER BY o) FROM pg_class s, unnest(s.reloptions) o
                  WHERE s.oid = t.reltoastrelid AND o <> 'autovacuum_enabled=false'),
                (SELECT jsonb_agg(g ORDER BY g::text) FROM aclexplode(
                    coalesce(t.relacl, acldefault('r', t.relowner))) g)) FROM t),
        'columns', (SELECT jsonb_agg(jsonb_build_array(
                a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attstorage,
                a.attcompression, a.attcollation::regcollation, a.attstattarget, a.attidentity,
                a.attgenerated, a.attoptions, pg_get_expr(d.adbin, d.adrelid),
                col_description(t.oid, a.attnum),
                (SELECT jsonb_agg(g ORDER BY g::text) FROM aclexplode(a.attacl) g))
            ORDER BY a.attnum)
              FROM t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
              LEFT JOIN pg_attrdef d ON d.adrelid = t.oid AND d.adnum = a.attnum),
        'indexes', (SELECT jsonb_agg(jsonb_build_array(
                x.relname, pg_get_indexdef(i.indexrelid), i.indisprimary, i.indisunique,
                i.indisvalid, i.indisready, i.indimmediate, i.indisreplident, i.indisclustered,
                x.reltablespace, obj_description(x.oid, 'pg_class')) ORDER BY x.relname)
              FROM t JOIN pg_index i ON i.indrelid = t.oid JOIN pg_class x ON x.oid = i.indexrelid),
        'constraints', (SELECT jsonb_agg(jsonb_build_array(
                c.conname, c.contype, pg_get_constraintdef(c.oid), c.convalidated, c.condeferrable,
                c.condeferred, c.connoinherit, obj_description(c.oid, 'pg_constraint'))
            ORDER BY c.conname)
              FROM t JOIN pg_constraint c ON c.conrelid = t.oid),
        'referring', (SELECT jsonb_agg(c.conname ORDER BY c.conname)
              FROM t JOIN pg_constraint c ON c.confrelid = t.oid),
        'triggers', (SELECT jsonb_agg(jsonb_build_array(pg_get_triggerdef(g.oid), g.tgenabled)
            ORDER BY g.tgname)
              FROM t JOIN pg_trigger g ON g.tgrelid = t.oid
             WHERE g.tgfoid <> 'ledger.rewrite_follow'::regproc),
        'rules', (SELECT jsonb_agg(pg_get_ruledef(r.oid)) FROM t JOIN pg_rewrite r ON r.ev_class = t.oid),
        'policies', (SELECT jsonb_agg(p.polname) FROM t JOIN pg_policy p ON p.polrelid = t.oid),
        'statistics', (SELECT jsonb_agg(pg_get_statisticsobjdef_columns(s.oid))
              FROM t JOIN pg_statistic_ext s ON s.stxrelid = t.oid),
        'published', (SELECT jsonb_agg(p.prpubid ORDER BY p.prpubid)
              FROM t JOIN pg_publication_rel p ON p.prrelid = t.oid),
        'family', (SELECT count(*) FROM t JOIN pg_inherits h ON t.oid IN (h.inhrelid, h.inhparent)),
        'labels', (SELECT jsonb_agg(jsonb_build_array(l.provider, l.label))
              FROM t JOIN pg_seclabel l ON l.objoid = t.oid)
    )::text, p_table, p_as)::jsonb
$function$
