-- The wrapped HMAC key of a seven-day period: the given one if it is the first, else the stored one,
-- so that all processes use the same. Only for this period and its neighbours. It is wrapped under
-- an epoch: a first one under an epoch that takes no more is refused (register_epoch).
CREATE OR REPLACE FUNCTION ledger.ledger_idempotency_key_under(
    p_period int, p_epoch int, p_wrapped bytea
) RETURNS bytea
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
    SELECT k.wrapped INTO v_wrapped FROM ledger.idempotency_key k WHERE k.period = p_period;
    IF v_wrapped IS NULL THEN
        INSERT INTO ledger.idempotency_key (period, epoch, wrapped)
        VALUES (p_period, p_epoch, p_wrapped) ON CONFLICT (period) DO NOTHING;
        SELECT k.wrapped INTO STRICT v_wrapped FROM ledger.idempotency_key k
         WHERE k.period = p_period;
    END IF;
    RETURN v_wrapped;
END
$function$
