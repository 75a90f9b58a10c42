"""An authority, and what it signs for a server on 127.0.0.1 and for its clients."""

from __future__ import annotations

import ipaddress
import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from remediator.telemetry.listening import Tls


class Authority:
    """Signs, and is itself signed by nobody else."""

    def __init__(self, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = self._sign(self._name, self._key, ca=True)

    def issue(self, name: str) -> tuple[bytes, bytes]:
        """Make a certificate and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._sign(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), key, ca=False)
        plain = serialization.NoEncryption()
        return made, key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)

    def _sign(self, name: x509.Name, key: ec.EllipticCurvePrivateKey, *, ca: bool) -> bytes:
        now = datetime.now(UTC)
        here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        ours = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        uses = dict.fromkeys(
            ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only"), False
        )
        # An authority has to say that it signs: from Python 3.13 on clients ask for that.
        signing = x509.KeyUsage(digital_signature=not ca, key_cert_sign=ca, crl_sign=ca, decipher_only=False, **uses)
        return (
            x509.CertificateBuilder(self._name, name, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(here, critical=False)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(ours, critical=False)
            .add_extension(signing, critical=True)
            .sign(self._key, hashes.SHA256())
            .public_bytes(serialization.Encoding.PEM)
        )


class Certificates:
    """Files of one authority, and of a stranger's."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._ours, self._strangers = Authority("ours"), Authority("a stranger's")
        self.authority = directory / "ca.crt"
        self.authority.write_bytes(self._ours.certificate)

    def server(self, *, clients: bool = False) -> Tls:
        """What a server needs; with `clients`, only those with a certificate of ours are let in."""
        made = Tls(self._directory / "tls.crt", self._directory / "tls.key", self.authority if clients else None)
        self.renew(made)
        return made

    def renew(self, files: Tls) -> None:
        """Replace a server's files by newer ones."""
        for file, content in zip((files.certificate, files.key), self._ours.issue("metrics"), strict=True):
            file.write_bytes(content)
            before = file.stat().st_mtime_ns
            os.utime(file, ns=(before, before + 1_000_000_000))  # a clock that ticks slowly must not hide it

    def another(self) -> bytes:
        """A certificate of ours, for another key."""
        return self._ours.issue("metrics")[0]

    def trusting(self, *, as_client: bool = False, as_stranger: bool = False) -> ssl.SSLContext:
        """A client's side that trusts ours; with a certificate of ours, or one of a stranger's."""
        context = ssl.create_default_context(cafile=str(self.authority))
        if as_client or as_stranger:
            context.load_cert_chain(self.client(strange=as_stranger))
        return context

    def client(self, *, strange: bool = False) -> Path:
        """A client's certificate and its key, in one file."""
        certificate, key = (self._strangers if strange else self._ours).issue("prometheus")
        both = self._directory / f"client-{strange}.pem"
        both.write_bytes(certificate + key)
        return both


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path)
