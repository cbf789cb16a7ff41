"""TLS on this machine: a local authority and a certificate for loopback names, made at first start.

Trust the authority's certificate (`ca.pem`), never the server's: that one is renewed. Keys have mode 0600, and the
authority may sign for names below localhost only, so that whoever trusts it trusts nobody on the internet more.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_AUTHORITY_DAYS, _SERVER_DAYS, _RENEW_DAYS = 3650, 397, 30


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files: `authority` is for clients (REQUESTS_CA_BUNDLE, NODE_EXTRA_CA_CERTS), the others for the server."""

    authority: Path
    certificate: Path
    key: Path


def local_certificates(folder: Path, orgs: Sequence[str] = ()) -> Certificates:
    """Certificates for localhost and the orgs' names below it; made or renewed where needed."""
    folder.mkdir(parents=True, exist_ok=True)
    found = Certificates(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    authority_key = folder / "ca.key"
    names = [
        "localhost",
        *(f"{org}.{place}.localhost" for org in sorted(orgs) for place in ("my", "lightning")),
    ]
    if not _good(found.authority, authority_key, ()):
        key = ec.generate_private_key(ec.SECP256R1())
        _write_authority(found.authority, authority_key, key)
        found.certificate.unlink(missing_ok=True)
    if not _good(found.certificate, found.key, names):
        _write_server(found, authority_key, names)
    return found


def _good(certificate: Path, key: Path, names: Sequence[str]) -> bool:
    if not certificate.exists() or not key.exists():
        return False
    try:
        read = x509.load_pem_x509_certificate(certificate.read_bytes())
    except ValueError:
        return False
    if read.not_valid_after_utc < datetime.now(UTC) + timedelta(days=_RENEW_DAYS):
        return False
    if not names:
        return True
    covered = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return set(names) <= set(covered.get_values_for_type(x509.DNSName))


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _write_authority(path: Path, key_path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    name = _name(f"Tieline local authority {datetime.now(UTC):%Y-%m-%d %H:%M:%S}")
    loopback = x509.NameConstraints(
        permitted_subtrees=[
            x509.DNSName("localhost"),
            x509.IPAddress(ipaddress.ip_network("127.0.0.0/8")),
            x509.IPAddress(ipaddress.ip_network("::1/128")),
        ],
        excluded_subtrees=None,
    )
    made = (
        _builder(name, name, key.public_key(), _AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(loopback, critical=True)
        .sign(key, hashes.SHA256())
    )
    _write_key(key_path, key)
    _replace(path, made.public_bytes(serialization.Encoding.PEM), 0o644)


def _write_server(found: Certificates, authority_key: Path, names: Sequence[str]) -> None:
    signer = serialization.load_pem_private_key(authority_key.read_bytes(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    authority = x509.load_pem_x509_certificate(found.authority.read_bytes())
    key = ec.generate_private_key(ec.SECP256R1())
    addresses = [x509.IPAddress(ipaddress.ip_address(text)) for text in ("127.0.0.1", "::1")]
    made = (
        _builder(_name("localhost"), authority.subject, key.public_key(), _SERVER_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        .add_extension(
            x509.SubjectAlternativeName([*(x509.DNSName(name) for name in names), *addresses]), critical=False
        )
        .sign(signer, hashes.SHA256())
    )
    _write_key(found.key, key)
    _replace(found.certificate, made.public_bytes(serialization.Encoding.PEM), 0o644)


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    form = serialization.PrivateFormat.PKCS8
    _replace(path, key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()), 0o600)


def _replace(path: Path, content: bytes, mode: int) -> None:
    """Written aside and renamed: nobody ever reads half a file, or a key that others may read."""
    fresh = path.with_suffix(path.suffix + ".new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=mode)
    fresh.write_bytes(content)
    fresh.rename(path)
