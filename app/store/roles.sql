-- The roles of the ledger. Idempotent; run by a superuser, in any database, before database.sql:
--   psql -X -v ON_ERROR_STOP=1 -f app/store/roles.sql -d postgres
-- Passwords are not part of this file: set them with \password, which sends a SCRAM verifier.
-- PostgreSQL 15 and newer.

DO $roles$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['ledger_owner', 'ledger_migrator', 'ledger_app', 'ledger_eraser',
                                'ledger_projector', 'ledger_integrator', 'ledger_auditor'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
            EXECUTE format('CREATE ROLE %I', role);
        END IF;
        EXECUTE format('ALTER ROLE %I NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS',
                       role);
        EXECUTE format('ALTER ROLE %I SET search_path = ledger, pg_temp', role);
        EXECUTE format('ALTER ROLE %I SET synchronous_commit = on', role);
    END LOOP;
END
$roles$;

-- Owns every table and function of the ledger. Nobody can log in as it.
ALTER ROLE ledger_owner NOLOGIN;

-- Deploying commands alone, a few at once, each of two or three connections. Whatever they create
-- belongs to the owner.
ALTER ROLE ledger_migrator LOGIN CONNECTION LIMIT 16;
GRANT ledger_owner TO ledger_migrator;
ALTER ROLE ledger_migrator SET role = 'ledger_owner';

-- The roles of the running service. Not one of them is a member of another.
ALTER ROLE ledger_app LOGIN;
ALTER ROLE ledger_eraser LOGIN;
ALTER ROLE ledger_projector LOGIN;
ALTER ROLE ledger_integrator LOGIN;
ALTER ROLE ledger_auditor LOGIN;

-- A forgotten transaction holds locks and keeps dead rows from being vacuumed away.
ALTER ROLE ledger_app SET idle_in_transaction_session_timeout = '5s';
ALTER ROLE ledger_eraser SET idle_in_transaction_session_timeout = '5s';
ALTER ROLE ledger_projector SET idle_in_transaction_session_timeout = '30s';
ALTER ROLE ledger_integrator SET idle_in_transaction_session_timeout = '5s';
ALTER ROLE ledger_auditor SET idle_in_transaction_session_timeout = '5min';

DO $timeouts$
BEGIN
    IF current_setting('server_version_num')::int >= 170000 THEN
        ALTER ROLE ledger_app SET transaction_timeout = '30s';
        ALTER ROLE ledger_eraser SET transaction_timeout = '60s';
        ALTER ROLE ledger_projector SET transaction_timeout = '10min';
        ALTER ROLE ledger_integrator SET transaction_timeout = '60s';
        ALTER ROLE ledger_auditor SET transaction_timeout = '1h';
    END IF;
END
$timeouts$;

-- ledger_append refuses to run under any other level; nobody should meet that refusal by accident.
ALTER ROLE ledger_app SET default_transaction_isolation = 'read committed';
ALTER ROLE ledger_eraser SET default_transaction_isolation = 'read committed';
ALTER ROLE ledger_integrator SET default_transaction_isolation = 'read committed';
