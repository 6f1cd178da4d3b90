-- `stale-epoch` for each command whose tokens are not of the epochs of now. While an epoch drains, a
-- person's token may be under its key or under that of the active one: who claims a token under the
-- active one names the same value under the other as well (release NULL: it is asked for, and not
-- stored), and who releases one releases both. So a value is claimed once, whichever key it is under.
CREATE OR REPLACE FUNCTION ledger.append_token_faults(
    c_outcome text[], i_command int[], i_epoch int[], i_release boolean[]
) RETURNS text[]
LANGUAGE plpgsql VOLATILE
AS $function$
DECLARE
    v_outcome text[] := c_outcome;
    v_active int[];
    v_draining int[];
    v_command record;
BEGIN
    SELECT array_agg(p.epoch) FILTER (WHERE p.state = 'active'),
           array_agg(p.epoch) FILTER (WHERE p.state = 'draining')
      INTO v_active, v_draining FROM ledger.key_epoch p
     WHERE p.epoch > 0;  -- every one, by the index
    FOR v_command IN
        SELECT i.command,
               count(*) FILTER (WHERE i.epoch = ANY (v_active)) AS named,
               count(*) FILTER (WHERE i.epoch = ANY (v_draining)) AS also,
               -- What is of no epoch of now may be asked for and released, and finds nothing.
               bool_or(i.release IS NOT DISTINCT FROM false
                       AND (i.epoch = ANY (v_active)) IS NOT TRUE) AS kept
          FROM unnest(i_command, i_epoch, i_release) AS i(command, epoch, release)
         GROUP BY i.command
    LOOP
        IF v_command.named = 0 OR v_command.kept
            OR v_command.also <> v_command.named * coalesce(cardinality(v_draining), 0)
        THEN
            v_outcome[v_command.command] :=
                coalesce(v_outcome[v_command.command], 'stale-epoch');
        END IF;
    END LOOP;
    RETURN v_outcome;
END
$function$
