-- What still hangs on a key epoch: rows that nothing reads once its key is gone, table by table. An
-- erased key hangs on none: its tomb says under which epoch it died.
CREATE OR REPLACE FUNCTION ledger.ledger_epoch_holds(p_epoch int)
RETURNS TABLE (relation text, rows bigint)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT 'keyring', count(*) FROM ledger.keyring k
     WHERE k.epoch = p_epoch AND k.state <> 'erased'
    UNION ALL SELECT 'identifiers', count(*) FROM ledger.identifiers i WHERE i.epoch = p_epoch
    UNION ALL SELECT 'idempotency_key', count(*) FROM ledger.idempotency_key p
                      WHERE p.epoch = p_epoch
    UNION ALL SELECT 'subscriptions', count(*) FROM ledger.subscriptions s
                      WHERE s.epoch = p_epoch
    UNION ALL SELECT 'receivers', count(*) FROM ledger.receivers r WHERE r.epoch = p_epoch
$function$
