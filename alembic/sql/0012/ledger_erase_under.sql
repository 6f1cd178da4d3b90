-- `ledger_erase` for whoever says under which version of the control stream the destruction was
-- decided: a legal hold on an occasion that was placed after the decision stops it. Versions are
-- compared under the append lock, as every append does.
--
-- Outcomes: those of ledger_erase, and stale-control. Only `appended` writes.
CREATE OR REPLACE FUNCTION ledger.ledger_erase_under(
    p_partition int, p_stream uuid, p_expected int, p_control int, p_entry bytea
) RETURNS TABLE (outcome text, "position" bigint, blobs int, keys int, tokens int)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_bitmapscan = off
SET jit = off
AS $function$
#variable_conflict use_column
DECLARE
    v_control int;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'ledger_erase_under runs under READ COMMITTED only'
            USING ERRCODE = 'invalid_transaction_state';
    END IF;
    IF p_control IS NULL THEN
        RAISE EXCEPTION 'a destruction is decided under some version of the control stream'
            USING ERRCODE = 'null_value_not_allowed';
    END IF;
    LOCK TABLE ledger.append_lock_0 IN EXCLUSIVE MODE;
    SELECT e.version INTO v_control FROM ledger.events e
     WHERE e.stream_id = (SELECT i.control_stream FROM ledger.ledger_identity i)
     ORDER BY e.version DESC LIMIT 1;
    IF p_control <> coalesce(v_control, 0) THEN
        RETURN QUERY SELECT 'stale-control', NULL::bigint, 0, 0, 0;
        RETURN;
    END IF;
    RETURN QUERY
    SELECT e.outcome, e.position, e.blobs, e.keys, e.tokens
      FROM ledger.ledger_erase(p_partition, p_stream, p_expected, p_entry) AS e;
END
$function$
