-- How a table was written anew while appends waited, until a copy beside living appends took its
-- place (ledger_rewrite_begin). A process of the release before still calls it, and is told to try
-- again later, as it is when somebody holds a lock.
CREATE OR REPLACE FUNCTION ledger.ledger_rewrite(p_table text, p_bytes_max bigint)
RETURNS TABLE (outcome text, through bigint, wal bigint, bytes bigint)
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT 'busy', NULL::bigint, NULL::bigint, NULL::bigint
$function$
