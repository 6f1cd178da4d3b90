-- Whether the entry's seal under this key carries the commitment to it, that is, creates the key.
CREATE OR REPLACE FUNCTION ledger.opens_key(p_entry bytea, p_key uuid) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
AS $function$
    SELECT position(convert_to('"k":"' || p_key || '","kc":"', 'UTF8') IN p_entry) > 0
$function$
