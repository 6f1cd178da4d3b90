-- Refuses the commands whose group has a member that lost: a group wins or loses as one.
CREATE OR REPLACE FUNCTION ledger.append_group_faults(
    c_outcome text[], c_group int[]
) RETURNS text[]
LANGUAGE plpgsql STABLE
AS $function$
BEGIN
    IF cardinality(array_remove(c_group, NULL)) = 0 THEN
        RETURN c_outcome;
    END IF;
    RETURN (
        SELECT array_agg(CASE WHEN m.outcome IS NULL AND m.number IS NOT NULL AND m.lost
                              THEN 'group-refused' ELSE m.outcome END ORDER BY m.n)
          FROM (SELECT c.outcome, c.number, c.n,
                       bool_or(c.outcome IS NOT NULL) OVER (PARTITION BY c.number) AS lost
                  FROM unnest(c_outcome, c_group) WITH ORDINALITY AS c(outcome, number, n)) AS m);
END
$function$
