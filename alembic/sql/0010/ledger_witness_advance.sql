-- Remembers the tree of another log that this service, as its witness, is about to cosign: by
-- compare-and-set on the one that it cosigned last, NULL when there is none. False when that is not
-- the last one any more: then nothing may be cosigned. It never goes back.
CREATE OR REPLACE FUNCTION ledger.ledger_witness_advance(
    p_origin text, p_before bigint, p_before_root bytea,
    p_size bigint, p_root bytea, p_note bytea
) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF p_size < 0 OR octet_length(p_root) <> 32 OR length(p_origin) > 400
       OR octet_length(p_note) > 65536 OR p_size < p_before
       OR (p_size = p_before AND p_root <> p_before_root)
    THEN
        RAISE EXCEPTION 'no tree to go on to' USING ERRCODE = 'check_violation';
    END IF;
    IF p_before IS NULL THEN
        INSERT INTO ledger.log_witnessed (origin, size, root, note)
        VALUES (p_origin, p_size, p_root, p_note)
        ON CONFLICT DO NOTHING;
    ELSE
        UPDATE ledger.log_witnessed w
           SET size = p_size, root = p_root, note = p_note, cosigned_at = clock_timestamp()
         WHERE w.origin = p_origin AND w.size = p_before AND w.root = p_before_root;
    END IF;
    RETURN FOUND;
END
$function$
