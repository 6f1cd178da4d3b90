-- Opens a key epoch with its wrapped key. For the deploying command alone. False when it was open.
CREATE OR REPLACE FUNCTION ledger.ledger_epoch_open(p_epoch int, p_wrapped bytea) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    INSERT INTO ledger.key_epoch (epoch, wrapped) VALUES (p_epoch, p_wrapped)
        ON CONFLICT (epoch) DO NOTHING;
    RETURN FOUND;
END
$function$
