-- The wrapped HMAC key of a seven-day period: the given one if it is the first, else the stored one,
-- so that all processes use the same. Only for this period and its neighbours.
CREATE OR REPLACE FUNCTION ledger.ledger_idempotency_key(p_period int, p_wrapped bytea)
RETURNS bytea
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    v_wrapped bytea;
BEGIN
    IF abs(p_period - floor(extract(epoch FROM clock_timestamp()) / 604800)) > 1 THEN
        RAISE EXCEPTION 'period % is not near', p_period
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    INSERT INTO ledger.idempotency_key (period, wrapped) VALUES (p_period, p_wrapped)
        ON CONFLICT (period) DO NOTHING;
    SELECT k.wrapped INTO STRICT v_wrapped FROM ledger.idempotency_key k
     WHERE k.period = p_period;
    RETURN v_wrapped;
END
$function$
