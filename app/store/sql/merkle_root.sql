-- RFC 6962 §2.1 over entries in their order, as app/tlog/merkle.py computes it: complete subtrees are
-- joined as soon as they are there, what is left at the end is joined from the right.
CREATE OR REPLACE FUNCTION ledger.merkle_root(p_entries bytea[]) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT
AS $function$
DECLARE
    v_subtrees bytea[] := '{}';
    v_node bytea;
    v_rest int;
BEGIN
    FOR v_count IN 1 .. cardinality(p_entries) LOOP
        v_node := sha256('\x00'::bytea || p_entries[v_count]);
        v_rest := v_count;
        WHILE v_rest % 2 = 0 LOOP
            v_node := sha256('\x01'::bytea || v_subtrees[cardinality(v_subtrees)] || v_node);
            v_subtrees := trim_array(v_subtrees, 1);
            v_rest := v_rest / 2;
        END LOOP;
        v_subtrees := v_subtrees || v_node;
    END LOOP;
    IF v_subtrees = '{}' THEN
        RETURN sha256('');
    END IF;
    WHILE cardinality(v_subtrees) > 1 LOOP
        v_node := sha256('\x01'::bytea || v_subtrees[cardinality(v_subtrees) - 1]
                         || v_subtrees[cardinality(v_subtrees)]);
        v_subtrees := trim_array(v_subtrees, 2) || v_node;
    END LOOP;
    RETURN v_subtrees[1];
END
$function$
