-- Trigger: a key of a register is wrapped under an epoch that is active, or not at all. The row of
-- the epoch is held to the end of the transaction, so that no epoch begins to drain in between, and
-- what joins it is seen by whoever counts what hangs on it.
CREATE OR REPLACE FUNCTION ledger.register_epoch() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    PERFORM FROM ledger.key_epoch e
      WHERE e.epoch = NEW.epoch AND e.state = 'active' FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'key epoch % takes no more keys', NEW.epoch
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    RETURN NEW;
END
$function$
