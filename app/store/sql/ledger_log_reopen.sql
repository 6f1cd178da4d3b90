-- Gives the log another origin from its present size on, since entries that were signed under the
-- one before are lost. What was signed up to here stays under the key that signed it. A name that
-- the log ever had is refused: it would sign another tree of a size that it signed before.
CREATE OR REPLACE FUNCTION ledger.ledger_log_reopen(p_partition int, p_vkey text) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    v_size bigint;
BEGIN
    SELECT e.size INTO STRICT v_size FROM ledger.log_edge e
     WHERE e.partition = p_partition FOR UPDATE;
    IF v_size = 0 OR NOT EXISTS (SELECT FROM ledger.log_key k WHERE k.partition = p_partition)
       OR EXISTS (SELECT FROM ledger.log_key k
                   WHERE k.partition = p_partition
                     AND split_part(k.vkey, '+', 1) = split_part(p_vkey, '+', 1))
    THEN
        RAISE EXCEPTION 'not another origin of a log that was signed'
            USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO ledger.log_key (partition, vkey, from_size)
    VALUES (p_partition, p_vkey, v_size);
    RETURN v_size;
END
$function$
