-- What the bytes of an entry must look like, as a LIKE pattern, given the columns of its row, the
-- entry before it in its stream and its sealed sections. A row can never be taken back, so an entry
-- that contradicts its row, its predecessor or its blobs is refused before it is written.
-- An SQL function without settings, so that it is inlined into the expression that calls it.
CREATE OR REPLACE FUNCTION ledger.entry_pattern(
    p_id uuid,
    p_version int,
    p_previous bytea,
    p_stream uuid,
    p_type text,
    p_seals text
) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
AS $function$
    SELECT convert_to(
        '{"at":"___________________________","by":"%","d":{%},"id":"' || p_id
        || '","n":' || p_version
        || ',"o":%,"p":'
        || coalesce('"' || encode(sha256('\x00'::bytea || p_previous), 'base64') || '"', 'null')
        || ',"s":"' || p_stream
        || '","sv":%,"t":"' || replace(p_type, '_', '\_')
        || E'","v":1}\n[' || coalesce(p_seals, '') || E']\n',
        'UTF8')
$function$
