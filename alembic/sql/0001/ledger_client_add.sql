-- Adds an API key by the hash of its secret and tells every process.
CREATE OR REPLACE FUNCTION ledger.ledger_client_add(
    p_client_id text, p_name text, p_secret_hash bytea, p_scopes text[], p_system text,
    p_expires_at timestamptz
) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
    INSERT INTO ledger.clients (client_id, name, secret_hash, scopes, system, expires_at)
    VALUES (p_client_id, p_name, p_secret_hash, p_scopes, p_system, p_expires_at);
    SELECT pg_notify('ledger_clients', p_client_id);
$function$
