-- Keeps what a witness said of a checkpoint that was published; the first of each witness stands.
-- Whether the line is a cosignature is checked by whoever calls, and again by whoever reads.
CREATE OR REPLACE FUNCTION ledger.ledger_log_cosign(
    p_partition int, p_size bigint, p_witness text, p_line text, p_cosigned_at timestamptz
) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF length(p_witness) > 400 OR length(p_line) > 400 OR strpos(p_line, chr(10)) > 0
       OR NOT EXISTS (SELECT FROM ledger.log_checkpoint c
                       WHERE c.partition = p_partition AND c.size = p_size)
    THEN
        RAISE EXCEPTION 'no line under a checkpoint of this log' USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO ledger.log_cosignature (partition, size, witness, line, cosigned_at)
    VALUES (p_partition, p_size, p_witness, p_line, p_cosigned_at)
    ON CONFLICT DO NOTHING;
    RETURN FOUND;
END
$function$
