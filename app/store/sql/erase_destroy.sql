-- Destroys data keys, every blob under them and, where asked, the subject's place in the blind
-- index, and fences what must not come back. Only ledger_erase calls it, after its entry is in.
CREATE OR REPLACE FUNCTION ledger.erase_destroy(
    p_subject uuid, p_keys uuid[], p_classes text[], p_identifiers boolean,
    OUT blobs int, OUT keys int, OUT tokens int
)
LANGUAGE plpgsql VOLATILE
AS $function$
BEGIN
    INSERT INTO ledger.erasure_fence (subject_id, class)
    SELECT p_subject, c.class
      FROM unnest(p_classes || CASE WHEN p_identifiers THEN ARRAY['identifiers'] END) AS c(class)
        ON CONFLICT DO NOTHING;
    DELETE FROM ledger.sealed s WHERE s.stream_id = p_subject AND s.key_id = ANY (p_keys);
    GET DIAGNOSTICS blobs = ROW_COUNT;
    UPDATE ledger.keyring k SET state = 'erased', wrapped = NULL WHERE k.key_id = ANY (p_keys);
    GET DIAGNOSTICS keys = ROW_COUNT;
    -- What is kept of a fenced class can be read on and takes nothing more.
    UPDATE ledger.keyring k SET state = 'retiring'
     WHERE k.subject_id = p_subject AND k.class = ANY (p_classes) AND k.state = 'active';
    tokens := 0;
    IF p_identifiers THEN
        DELETE FROM ledger.identifiers i WHERE i.subject_id = p_subject;
        GET DIAGNOSTICS tokens = ROW_COUNT;
    END IF;
END
$function$
