-- Trigger: what changes in a table that is being written anew changes in its twin, in the same
-- transaction, so that from the begin on no snapshot sees a row of the one and not of the other that
-- both have. Its arguments are the columns of the primary key.
--
-- Whoever takes rows away or changes them waits for the copying of some rows that is under way
-- (some ten milliseconds): else a row that was read before and written after would come back.
CREATE OR REPLACE FUNCTION ledger.rewrite_follow() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
-- The twin has no statistics yet: no plan may read it from end to end.
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_seqscan = off
AS $function$
DECLARE
    v_twin CONSTANT text := format('ledger.%I', tg_table_name || '_next');
BEGIN
    IF tg_op <> 'INSERT' THEN
        IF NOT EXISTS (SELECT FROM gone) THEN
            RETURN NULL;
        END IF;
        PERFORM FROM ledger.rewrites r WHERE r.relation = tg_table_name FOR UPDATE;
        EXECUTE format('DELETE FROM %s n USING gone g WHERE %s', v_twin,
            (SELECT string_agg(format('n.%1$I = g.%1$I', k), ' AND ') FROM unnest(tg_argv) k));
    END IF;
    IF tg_op <> 'DELETE' THEN
        EXECUTE format('INSERT INTO %s SELECT * FROM fresh', v_twin);
    END IF;
    RETURN NULL;
END
$function$
