-- Tokens of the blind index under the key of the active epoch, in place of those under one that
-- drains. Under the append lock, for some hundred tokens at a time: a release that comes between
-- would miss the new one. What was released or erased meanwhile is left alone. Answers how many moved.
CREATE OR REPLACE FUNCTION ledger.ledger_epoch_rekey(
    p_epoch int, i_kind text[], i_token bytea[], i_subject uuid[], i_next bytea[]
) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $function$
DECLARE
    v_active int;
    v_rows bigint;
BEGIN
    LOCK TABLE ledger.append_lock_0 IN EXCLUSIVE MODE;
    SELECT e.epoch INTO STRICT v_active FROM ledger.key_epoch e WHERE e.state = 'active';
    IF NOT EXISTS (
        SELECT FROM ledger.key_epoch e WHERE e.epoch = p_epoch AND e.state = 'draining')
    THEN
        RAISE EXCEPTION 'key epoch % does not drain', p_epoch
            USING ERRCODE = 'object_not_in_prerequisite_state';
    ELSIF EXISTS (
        SELECT FROM unnest(i_kind, i_next, i_subject) AS n(kind, token, subject)
          JOIN ledger.identifiers t ON t.kind = n.kind AND t.token = n.token
         WHERE t.subject_id <> n.subject)
    THEN
        RAISE EXCEPTION 'a token of the blind index leads to two people'
            USING ERRCODE = 'unique_violation';
    END IF;
    WITH moved AS (
        DELETE FROM ledger.identifiers t
         USING unnest(i_kind, i_token, i_subject, i_next) AS n(kind, token, subject, next)
         WHERE t.kind = n.kind AND t.token = n.token AND t.subject_id = n.subject
           AND t.epoch = p_epoch
        RETURNING n.kind, n.next, n.subject
    ), put AS (
        INSERT INTO ledger.identifiers (kind, token, epoch, subject_id)
        SELECT m.kind, m.next, v_active, m.subject FROM moved m
            ON CONFLICT (kind, token) DO NOTHING
    )
    SELECT count(*) INTO v_rows FROM moved;
    RETURN v_rows;
END
$function$
