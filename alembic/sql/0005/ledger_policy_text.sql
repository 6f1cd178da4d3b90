-- Archives the text of a published version in one language, byte for byte. True when it was new; the
-- same bytes again change nothing, other bytes raise, and so do bytes whose SHA-256 the version's
-- structure does not name.
CREATE OR REPLACE FUNCTION ledger.ledger_policy_text(
    p_version text, p_language text, p_text bytea
) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    v_structure bytea;
    v_new boolean;
BEGIN
    SELECT p.structure INTO v_structure FROM ledger.policies p WHERE p.version = p_version;
    IF v_structure IS NULL THEN
        RAISE EXCEPTION 'no such policy version' USING ERRCODE = 'no_data_found';
    END IF;
    IF position(convert_to(encode(sha256(p_text), 'hex'), 'UTF8') IN v_structure) = 0 THEN
        RAISE EXCEPTION 'the policy names another text' USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO ledger.policy_texts (version, language, text, sha256)
    VALUES (p_version, p_language, p_text, sha256(p_text))
        ON CONFLICT (version, language) DO NOTHING;
    v_new := FOUND;
    IF NOT EXISTS (SELECT FROM ledger.policy_texts t
                    WHERE t.version = p_version AND t.language = p_language
                      AND t.sha256 = sha256(p_text))
    THEN
        RAISE EXCEPTION 'a published policy text is never edited'
            USING ERRCODE = 'unique_violation';
    END IF;
    RETURN v_new;
END
$function$
