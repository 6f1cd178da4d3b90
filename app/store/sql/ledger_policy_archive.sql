-- Archives a policy version with the texts it was published in, byte for byte. True when it was new;
-- the same bytes again change nothing, other bytes raise: a published version is never edited.
CREATE OR REPLACE FUNCTION ledger.ledger_policy_archive(
    p_version text, p_structure bytea, p_languages text[], p_texts bytea[]
) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    v_new boolean;
BEGIN
    INSERT INTO ledger.policies (version, structure, structure_sha256)
    VALUES (p_version, p_structure, sha256(p_structure))
        ON CONFLICT (version) DO NOTHING;
    v_new := FOUND;
    IF NOT EXISTS (SELECT FROM ledger.policies p
                    WHERE p.version = p_version AND p.structure_sha256 = sha256(p_structure))
    THEN
        RAISE EXCEPTION 'a published policy version is never edited'
            USING ERRCODE = 'unique_violation';
    END IF;
    FOR v_i IN 1 .. cardinality(p_languages) LOOP
        PERFORM ledger.ledger_policy_text(p_version, p_languages[v_i], p_texts[v_i]);
    END LOOP;
    RETURN v_new;
END
$function$
