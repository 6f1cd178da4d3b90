-- `stale-epoch` for each command that wraps a key under an epoch that takes no more: it is being
-- rewrapped, and what joined it now would be lost with it.
CREATE OR REPLACE FUNCTION ledger.append_epoch_faults(
    c_outcome text[], x_command int[], x_epoch int[]
) RETURNS text[]
LANGUAGE plpgsql VOLATILE
AS $function$
DECLARE
    v_outcome text[] := c_outcome;
    v_active CONSTANT int[] := ARRAY(
        SELECT p.epoch FROM ledger.key_epoch p
         WHERE p.epoch = ANY (x_epoch) AND p.state = 'active');
BEGIN
    FOR v_i IN 1 .. cardinality(x_command) LOOP
        IF (x_epoch[v_i] = ANY (v_active)) IS NOT TRUE THEN
            v_outcome[x_command[v_i]] := coalesce(v_outcome[x_command[v_i]], 'stale-epoch');
        END IF;
    END LOOP;
    RETURN v_outcome;
END
$function$
