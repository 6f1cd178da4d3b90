-- Trigger: what may become of a key epoch, whoever asks. It goes one step at a time and none back;
-- its key goes with the last step and no sooner; and nothing hangs on it when the end begins. One
-- drains at a time, so that epochs end in the order in which they began.
CREATE OR REPLACE FUNCTION ledger.epoch_step() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    v_steps CONSTANT text[] := ARRAY['active', 'draining', 'destroying', 'destroyed'];
BEGIN
    IF NEW.epoch <> OLD.epoch
        OR array_position(v_steps, NEW.state) <> array_position(v_steps, OLD.state) + 1
        OR (NEW.wrapped IS DISTINCT FROM OLD.wrapped) <> (NEW.state = 'destroyed')
    THEN
        RAISE EXCEPTION 'key epoch % does not go from % to %', OLD.epoch, OLD.state, NEW.state
            USING ERRCODE = 'object_not_in_prerequisite_state';
    ELSIF NEW.state = 'draining' AND EXISTS (
        SELECT FROM ledger.key_epoch e WHERE e.state IN ('draining', 'destroying'))
    THEN
        RAISE EXCEPTION 'another key epoch is still leaving'
            USING ERRCODE = 'object_not_in_prerequisite_state';
    ELSIF NEW.state = 'destroying' AND EXISTS (
        SELECT FROM ledger.ledger_epoch_holds(NEW.epoch) h WHERE h.rows > 0)
    THEN
        RAISE EXCEPTION 'key epoch % still holds something', NEW.epoch
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    RETURN NEW;
END
$function$
