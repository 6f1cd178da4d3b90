-- Extends the tree of a partition from one size to a larger one: the tiles that became full, the new
-- right edge and the signed checkpoint, all or nothing, and tells whoever listens. False when the
-- tree has another size already: then nothing is written. It raises when the tiles are not exactly
-- those that became full, when the tree would outgrow the log, and when there is no checkpoint to go
-- on from.
CREATE OR REPLACE FUNCTION ledger.ledger_integrate(
    p_partition int, p_before bigint, p_size bigint, p_edge bytea,
    t_level int[], t_index bigint[], t_hashes bytea[], p_root bytea, p_note bytea
) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    v_edge bigint := 0;
    v_full bigint := 0;
BEGIN
    FOR v_level IN 0..7 LOOP
        v_edge := v_edge + 32 * ((p_size >> (8 * v_level)) % 256);
        -- A size has 64 bits, and cannot be shifted by all of them.
        IF v_level < 7 THEN
            v_full := v_full + (p_size >> (8 * v_level + 8)) - (p_before >> (8 * v_level + 8));
        END IF;
    END LOOP;
    IF p_size <= p_before OR octet_length(p_edge) <> v_edge OR octet_length(p_root) <> 32
       OR cardinality(t_level) <> v_full OR cardinality(t_index) <> v_full
       OR cardinality(t_hashes) <> v_full
    THEN
        RAISE EXCEPTION 'not the edge and the tiles of such a tree'
            USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (SELECT FROM unnest(t_level, t_index, t_hashes) AS t (level, idx, hashes)
                WHERE octet_length(t.hashes) = 8192 AND t.level BETWEEN 0 AND 6
                  AND t.idx >= p_before >> (8 * t.level + 8)
                  AND t.idx < p_size >> (8 * t.level + 8)
               HAVING count(*) <> v_full)
    THEN
        RAISE EXCEPTION 'not the tiles that became full' USING ERRCODE = 'check_violation';
    END IF;
    IF NOT EXISTS (SELECT FROM ledger.events e
                    WHERE e.partition = p_partition AND e.position = p_size - 1)
    THEN
        RAISE EXCEPTION 'the log has no such size' USING ERRCODE = 'check_violation';
    END IF;
    UPDATE ledger.log_edge e SET size = p_size, hashes = p_edge
     WHERE e.partition = p_partition AND e.size = p_before;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF NOT EXISTS (SELECT FROM ledger.log_checkpoint c
                    WHERE c.partition = p_partition AND c.size = p_before)
    THEN
        RAISE EXCEPTION 'no checkpoint to go on from' USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO ledger.log_tile (partition, level, idx, hashes)
    SELECT p_partition, t.level, t.idx, t.hashes
      FROM unnest(t_level, t_index, t_hashes) AS t (level, idx, hashes);
    INSERT INTO ledger.log_checkpoint (partition, size, root, note)
    VALUES (p_partition, p_size, p_root, p_note);
    PERFORM pg_notify('ledger_checkpoint', p_size::text);
    RETURN true;
END
$function$
