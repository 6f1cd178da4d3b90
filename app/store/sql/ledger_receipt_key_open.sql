-- Puts a receipt key in force: its verifier key, by which the receipts of appends are checked. For
-- the deploying command alone. False when it was in force before; an earlier one stays known.
CREATE OR REPLACE FUNCTION ledger.ledger_receipt_key_open(p_partition int, p_vkey text)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    INSERT INTO ledger.receipt_key (partition, vkey) VALUES (p_partition, p_vkey)
        ON CONFLICT (partition, vkey) DO NOTHING;
    RETURN FOUND;
END
$function$
