-- Why an erasure cannot be executed as its entry says, or NULL. Runs under the append lock, so that
-- no blob can join a key between the count and its destruction. Raises when the blobs are as many as
-- the entry says, but others.
CREATE OR REPLACE FUNCTION ledger.erase_fault(
    p_stream uuid, p_expected int, p_entry bytea, p_before bytea, p_keys uuid[],
    p_blobs int, p_root text
) RETURNS text
LANGUAGE plpgsql VOLATILE
AS $function$
DECLARE
    v_hashes bytea[];
BEGIN
    IF p_before IS NULL OR EXISTS (
        SELECT FROM ledger.events e WHERE e.stream_id = p_stream AND e.version = p_expected + 1)
    THEN
        RETURN 'version-conflict';
    END IF;
    IF (ledger.append_stale_clocks(ARRAY[p_before], ARRAY[1], ARRAY[p_entry]))[1] THEN
        RETURN 'stale-clock';
    END IF;
    IF cardinality(p_keys) <> (
        SELECT count(*) FROM ledger.keyring k
         WHERE k.key_id = ANY (p_keys) AND k.subject_id = p_stream AND k.state <> 'erased')
    THEN
        RETURN 'key-foreign';
    END IF;
    v_hashes := ARRAY(
        SELECT sha256(s.blob) FROM ledger.sealed s
         WHERE s.stream_id = p_stream AND s.key_id = ANY (p_keys)
         ORDER BY s.version, s.section);
    IF cardinality(v_hashes) <> p_blobs THEN
        RETURN 'blob-count-mismatch';
    END IF;
    IF encode(ledger.merkle_root(v_hashes), 'hex') <> p_root THEN
        RAISE EXCEPTION 'the root is not that of the blobs' USING ERRCODE = 'data_exception';
    END IF;
    RETURN NULL;
END
$function$
