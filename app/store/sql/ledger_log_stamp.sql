-- Keeps the token of a time-stamp authority (RFC 3161) over a checkpoint that was published; the
-- first of each authority stands. Whether it is one is checked by whoever calls and whoever reads.
CREATE OR REPLACE FUNCTION ledger.ledger_log_stamp(
    p_partition int, p_size bigint, p_authority text, p_response bytea, p_stamped_at timestamptz
) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF length(p_authority) > 400 OR octet_length(p_response) > 65536
       OR NOT EXISTS (SELECT FROM ledger.log_checkpoint c
                       WHERE c.partition = p_partition AND c.size = p_size)
    THEN
        RAISE EXCEPTION 'no token over a checkpoint of this log'
            USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO ledger.log_timestamp (partition, size, authority, response, stamped_at)
    VALUES (p_partition, p_size, p_authority, p_response, p_stamped_at)
    ON CONFLICT DO NOTHING;
    RETURN FOUND;
END
$function$
