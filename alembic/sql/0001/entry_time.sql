-- A moment as the bytes that an entry would carry for it.
CREATE OR REPLACE FUNCTION ledger.entry_time(p_moment timestamptz) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
AS $function$
    SELECT convert_to(
        to_char(p_moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'UTF8')
$function$
