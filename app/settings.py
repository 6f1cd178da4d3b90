"""Every setting, with its unit and default. Only `main` and `cli` read it; secrets come by file."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, IPvAnyNetwork, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.tlog.notes import VerifierKeyMalformed, is_key_name, verifier_key


class Settings(BaseSettings):
    """Environment variables with the prefix LEDGER_ (LEDGER_PORT, LEDGER_HOME, ...)."""

    model_config = SettingsConfigDict(env_prefix="LEDGER_", hide_input_in_errors=True)

    home: Path = Path("var")
    """Folder of the embedded database, keys and secrets."""
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    database_url: str | None = Field(default=None, repr=False)
    """A server's URL for the application role; None runs the embedded PostgreSQL."""
    eraser_url: str | None = Field(default=None, repr=False)
    """The same server for the eraser role; erasures answer 503 without it."""
    projector_url: str | None = Field(default=None, repr=False)
    """The same server for the projector role."""
    projector_direct_url: str | None = Field(default=None, repr=False)
    """That role past a pooler; with it, the other may lead through PgBouncer (transaction mode)."""
    integrator_url: str | None = Field(default=None, repr=False)
    """The same server for the integrator role, past a pooler; without it nothing is signed here."""
    log_origin: str | None = Field(default=None, pattern=r"^[^\s+]+$", max_length=200)
    """Name of the transparency log, as `ledger.example/log`; settled when the log is opened.

    Default: the public address followed by `/log`, or a name made of the ledger's own id.
    """
    log_witness_policy_file: Path | None = None
    """Witnesses of the log and how many must agree: witness, group and quorum lines (C2SP)."""
    log_witness_every_s: float = Field(default=5.0, gt=0)
    """Between two checkpoints that they are offered, while the log grows."""
    log_timestamp_url: str | None = None
    """An authority (RFC 3161) that stamps checkpoints; it may be plain http."""
    log_timestamp_ca_file: Path | None = Field(default=None, validate_default=True)
    """Certificates that vouch for it, as PEM, its root among them; needed with the URL."""
    log_timestamp_every_s: float = Field(default=3600.0, ge=1)
    """Between two stamps, while the log grows."""
    log_trusted_checkpoint: Path | None = None
    """A checkpoint kept out of the database's reach: the log must begin with it at every start."""
    witness_logs: tuple[str, ...] = ()
    """Verifier keys of the logs that this service witnesses, as a JSON list."""
    witness_name: str | None = Field(default=None, max_length=200, validate_default=True)
    """Name of the key it does so with, as `ledger.example/witness`; needed with the logs."""
    workers: bool = True
    """Whether this process also projects; another one on the same ledger can do it instead."""
    work_metrics_port: int | None = Field(default=None, ge=0, le=65535)
    """Where `pdledger work` serves `/metrics`; None: nowhere. 0 takes any port, and tells it."""
    work_metrics_host: str = "127.0.0.1"
    read_connections_max: int = Field(default=8, ge=1, le=64)
    body_size_max_bytes: int = Field(default=1_000_000, ge=1_000)
    import_line_size_max_bytes: int = Field(default=64_000, ge=1_000)
    import_batch_lines_max: int = Field(default=5_000, ge=1)
    """Lines that `pdledger import` sends at once; it keeps how far it came after each batch."""
    webhook_mailchimp_secret_file: Path | None = None
    """Holds the path secret of the Mailchimp receiver; default: HOME/secrets/webhook-mailchimp."""
    webhook_mailchimp_signing_secret_file: Path | None = None
    """Holds the signing secret, when signing was switched on at Mailchimp."""
    public_url: str | None = None
    """Where others reach this service, as `https://ledger.example`; links in events start so."""
    package_keys: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{43}=$")], ...] = ()
    """Signing keys of other ledgers of this controller (`/v1/signing-keys`), as a JSON list."""
    trusted_proxies: tuple[IPvAnyNetwork, ...] = ()
    """Networks of proxies before this service, as a JSON list: `["10.0.0.0/8"]`."""
    proxy_header: Literal["x-forwarded-for", "forwarded"] = "x-forwarded-for"
    """In which of the two those proxies say whom they speak for; the other is anybody's to set."""
    feed_listeners_max: int = Field(default=1_000, ge=1)
    """Open event streams and long polls of one process."""
    feed_send_timeout_s: float = Field(default=30.0, gt=0)
    """A listener that has taken nothing for so long is let go."""
    feed_keep_alive_s: float = Field(default=15.0, gt=0)
    subscription_hosts: tuple[str, ...] = ()
    """The only names that subscriptions may deliver to, as a JSON list; empty means any public."""
    subscription_loopback: bool = False
    """Whether they may also deliver to this machine, without https: for development alone."""
    smtp_host: str | None = None
    """The mail relay; without one, mails wait for a human under /v1/mail-tasks."""
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_security: Literal["starttls", "implicit", "none"] = "starttls"
    """How the relay is spoken to; `none` is refused for anything but this machine."""
    smtp_username: str | None = None
    smtp_password_file: Path | None = None
    smtp_ca_file: Path | None = None
    """Certificates to trust instead of the system's, as PEM."""
    smtp_timeout_s: float = Field(default=30.0, gt=0)
    """For each step of the conversation with the relay."""
    mail_from: str | None = None
    """The address that mails come from; the controller's of the policy when not set."""
    sign_ups_hourly_max: int = Field(default=30, ge=1)
    """Public sign-ups from one network in an hour, in one process."""
    sign_ups_total_max: int = Field(default=1_000, ge=1)
    """Public sign-ups of everybody together in an hour, in one process."""
    sign_ups_daily_max: int = Field(default=3, ge=1)
    """Messages that one address gets for sign-ups in a day, from one process."""
    ready_lag_max_s: float = Field(default=300.0, gt=0)
    """How far a projection may lag behind the log before `/readyz` answers 503."""
    tracing: bool = False
    """Whether requests are traced by OpenTelemetry; where to, the OTEL_EXPORTER_OTLP_* say."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    callers_ttl_s: float = Field(default=60.0, gt=0)
    """How long a caller is trusted without asking the database, should a notice be lost."""

    @property
    def database_folder(self) -> Path | None:
        """Where the embedded database lies; None where a server is used."""
        return None if self.database_url is not None else self.home / "postgres"

    @field_validator("witness_logs")
    @classmethod
    def _are_verifier_keys(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        try:
            keys = {verifier_key(text).public_key for text in texts}
        except VerifierKeyMalformed:
            raise ValueError("one is no verifier key of a log (C2SP, kind 1)") from None
        if len(keys) < len(texts):
            raise ValueError("two logs have one key")
        return texts

    @field_validator("witness_name")
    @classmethod
    def _names_a_key(cls, text: str | None, info: ValidationInfo) -> str | None:
        if text is None and info.data.get("witness_logs"):
            raise ValueError("the logs of LEDGER_WITNESS_LOGS are cosigned under a name")
        if text is not None and not is_key_name(text):
            raise ValueError("a name has no space and no plus")
        return text

    @field_validator("log_timestamp_ca_file")
    @classmethod
    def _vouches(cls, file: Path | None, info: ValidationInfo) -> Path | None:
        if file is None and info.data.get("log_timestamp_url") is not None:
            raise ValueError("the authority of LEDGER_LOG_TIMESTAMP_URL needs its certificates")
        return file
