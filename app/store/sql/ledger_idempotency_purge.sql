-- Forgets what is older than seven days, and the HMAC keys that only such rows were made with. It
-- takes no argument, so that nobody can make it forget more. Answers how many rows went.
CREATE OR REPLACE FUNCTION ledger.ledger_idempotency_purge() RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    v_rows bigint;
BEGIN
    DELETE FROM ledger.idempotency i WHERE i.at < clock_timestamp() - interval '7 days';
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    -- Rows of period n are at most as old as its end; the last of them expires seven days later.
    DELETE FROM ledger.idempotency_key k
     WHERE (k.period + 2) < extract(epoch FROM clock_timestamp()) / 604800;
    RETURN v_rows;
END
$function$
