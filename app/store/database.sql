-- The rights on the ledger's database. Idempotent; run by a superuser in that database, after
-- roles.sql and before the migrations:
--   psql -X -v ON_ERROR_STOP=1 -f app/store/database.sql -d ledger

DO $database$
BEGIN
    EXECUTE format('ALTER DATABASE %I OWNER TO ledger_owner', current_database());
    -- No TEMPORARY right either: a temporary table would put plain text on a disk.
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO ledger_migrator, ledger_app, ledger_eraser, '
                   'ledger_projector, ledger_integrator, ledger_auditor', current_database());
END
$database$;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
