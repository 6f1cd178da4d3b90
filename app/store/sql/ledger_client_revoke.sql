-- Revokes an API key and tells every process. False when there is none, or it was revoked before.
CREATE OR REPLACE FUNCTION ledger.ledger_client_revoke(p_client_id text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    UPDATE ledger.clients c SET revoked_at = clock_timestamp()
     WHERE c.client_id = p_client_id AND c.revoked_at IS NULL;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM pg_notify('ledger_clients', p_client_id);
    RETURN true;
END
$function$
