-- Opens the transparency log of a partition: its verifier key, whose name is the log's origin, and
-- its first checkpoint, that of the empty tree. Answers the verifier key in force, which is another
-- one when the log was opened before.
CREATE OR REPLACE FUNCTION ledger.ledger_log_open(
    p_partition int, p_vkey text, p_root bytea, p_note bytea
) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    v_size bigint;
    v_vkey text;
BEGIN
    -- Whoever else opens it waits here, and then finds the key.
    SELECT e.size INTO STRICT v_size FROM ledger.log_edge e
     WHERE e.partition = p_partition FOR UPDATE;
    SELECT k.vkey INTO v_vkey FROM ledger.log_key k
     WHERE k.partition = p_partition ORDER BY k.opened_at DESC LIMIT 1;
    IF v_vkey IS NOT NULL THEN
        RETURN v_vkey;
    END IF;
    IF v_size <> 0 OR p_root <> sha256('') THEN
        RAISE EXCEPTION 'a log opens with the empty tree' USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO ledger.log_key (partition, vkey) VALUES (p_partition, p_vkey);
    INSERT INTO ledger.log_checkpoint (partition, size, root, note)
    VALUES (p_partition, 0, p_root, p_note);
    RETURN p_vkey;
END
$function$
