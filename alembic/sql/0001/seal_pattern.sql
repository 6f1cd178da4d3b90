-- One element of an entry's second line, as a LIKE pattern. The commitment of a key is known to its
-- maker alone: 44 characters of base64, where the seal is the first under its key.
CREATE OR REPLACE FUNCTION ledger.seal_pattern(
    p_section int,
    p_key uuid,
    p_class text,
    p_blob bytea,
    p_opens boolean
) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $function$
    SELECT '{"b":' || octet_length(p_blob)
        || ',"c":"' || replace(p_class, '_', '\_')
        || '","h":"' || encode(sha256(p_blob), 'base64')
        || '","i":' || p_section
        || ',"k":"' || p_key
        || CASE WHEN p_opens THEN '","kc":"' || repeat('_', 44) ELSE '' END
        || '"}'
$function$
