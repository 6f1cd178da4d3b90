"""A small time-stamp authority (RFC 3161) of the tests: certificates made here, `openssl ts`."""

import asyncio
import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

OPENSSL = shutil.which("openssl")
CONFIG = """
[ts]
serial = {folder}/serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
ordering = no
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


@dataclass(frozen=True, slots=True)
class SmallAuthority:
    """Signs whatever it is asked to, now."""

    folder: Path

    @property
    def ca_file(self) -> Path:
        """The root that vouches for it."""
        return self.folder / "ca.pem"

    def stamp(self, query: bytes) -> bytes:
        """The answer to a query, as DER."""
        (self.folder / "query.tsq").write_bytes(query)
        assert OPENSSL is not None
        subprocess.run(  # a program of this machine, on files of the test
            [
                *(OPENSSL, "ts", "-reply", "-config", self.folder / "ts.cnf", "-section", "ts"),
                *("-queryfile", self.folder / "query.tsq", "-out", self.folder / "reply.tsr"),
                *("-signer", self.folder / "tsa.pem", "-inkey", self.folder / "tsa.key"),
            ],
            check=True,
            capture_output=True,
        )
        return (self.folder / "reply.tsr").read_bytes()

    async def stamped(self, query: bytes) -> bytes:
        """The same, beside the event loop."""
        return await asyncio.to_thread(self.stamp, query)

    def accepts(self, response: bytes, text: str) -> bool:
        """Whether `openssl ts -verify` finds that the text was stamped."""
        (self.folder / "kept.tsr").write_bytes(response)
        (self.folder / "text").write_text(text)
        assert OPENSSL is not None
        done = subprocess.run(  # a program of this machine, on files of the test
            [
                *(OPENSSL, "ts", "-verify", "-data", self.folder / "text"),
                *("-in", self.folder / "kept.tsr", "-CAfile", self.ca_file),
            ],
            check=False,
            capture_output=True,
        )
        return done.returncode == 0


def small_authority(folder: Path) -> SmallAuthority:
    """One with a root of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = _certificate("root", "root", root_key, root_key, None)
    leaf = _certificate("authority", "root", key, root_key, ExtendedKeyUsageOID.TIME_STAMPING)
    (folder / "ca.pem").write_bytes(root.public_bytes(Encoding.PEM))
    (folder / "tsa.pem").write_bytes(leaf.public_bytes(Encoding.PEM))
    (folder / "tsa.key").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    (folder / "serial").write_text("01\n")
    (folder / "ts.cnf").write_text(CONFIG.format(folder=folder))
    return SmallAuthority(folder)


def _certificate(
    subject: str,
    issuer: str,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    usage: x509.ObjectIdentifier | None,
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=usage is None, path_length=None), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if usage is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=True)
    return builder.sign(signer, hashes.SHA256())


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{common}.example")])
