-- The outcome of each command by idempotency, control version, stream version and clock, in this
-- order; NULL where it can still win.
CREATE OR REPLACE FUNCTION ledger.append_outcomes(
    c_stream uuid[], c_expected int[], c_control int[],
    c_client text[], c_key bytea[], c_key_previous bytea[],
    c_fingerprint bytea[], c_fingerprint_previous bytea[],
    c_before bytea[], c_stale boolean[]
) RETURNS text[]
LANGUAGE plpgsql VOLATILE
AS $function$
DECLARE
    v_outcome text[];
    v_control int;
    v_control_stream uuid;
    v_control_command int;
BEGIN
    SELECT i.control_stream INTO STRICT v_control_stream FROM ledger.ledger_identity i WHERE i.one;
    SELECT e.version INTO v_control FROM ledger.events e
     WHERE e.stream_id = v_control_stream ORDER BY e.version DESC LIMIT 1;
    v_control := coalesce(v_control, 0);
    v_control_command := array_position(c_stream, v_control_stream);
    SELECT array_agg(CASE
               WHEN a.key IS NOT NULL THEN
                   CASE WHEN a.fingerprint = c.fingerprint THEN 'replayed' ELSE 'key-reused' END
               WHEN b.key IS NOT NULL THEN
                   CASE WHEN b.fingerprint = c.fingerprint_previous
                        THEN 'replayed' ELSE 'key-reused' END
               -- A control command earlier in the batch changes what the later were decided under.
               WHEN c.control <> v_control OR (c.control IS NOT NULL AND c.n > v_control_command)
               THEN 'stale-control'
               WHEN next.version IS NOT NULL OR (c.expected > 0 AND c.before IS NULL)
               THEN 'version-conflict'
               WHEN c.stale THEN 'stale-clock'
           END ORDER BY c.n)
      INTO v_outcome
      FROM unnest(c_stream, c_expected, c_control, c_client, c_key, c_key_previous,
                  c_fingerprint, c_fingerprint_previous, c_before, c_stale) WITH ORDINALITY
           AS c(stream, expected, control, client, key, key_previous,
                fingerprint, fingerprint_previous, before, stale, n)
      LEFT JOIN ledger.idempotency a ON a.client = c.client AND a.key = c.key
      LEFT JOIN ledger.idempotency b ON b.client = c.client AND b.key = c.key_previous
      LEFT JOIN ledger.events next ON next.stream_id = c.stream AND next.version = c.expected + 1;
    RETURN v_outcome;
END
$function$
