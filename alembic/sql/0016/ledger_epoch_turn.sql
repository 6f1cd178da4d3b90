-- A new key epoch becomes the active one, and the one before it drains. For the deploying command
-- alone, in the transaction that appends the event of it: under the append lock, so that no append
-- that took the old one for active is still under way when it no longer is.
CREATE OR REPLACE FUNCTION ledger.ledger_epoch_turn(p_epoch int, p_wrapped bytea) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    LOCK TABLE ledger.append_lock_0 IN EXCLUSIVE MODE;
    UPDATE ledger.key_epoch e SET state = 'draining' WHERE e.state = 'active';
    IF p_epoch <> (SELECT max(e.epoch) + 1 FROM ledger.key_epoch e) THEN
        RAISE EXCEPTION 'key epoch % does not follow', p_epoch
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    INSERT INTO ledger.key_epoch (epoch, wrapped) VALUES (p_epoch, p_wrapped);
END
$function$
