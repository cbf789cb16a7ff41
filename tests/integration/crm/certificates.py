"""Self-signed certificates for tests: of an OAuth client, and of a server on loopback."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID


def self_signed(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, *names: str, days: int = 1) -> str:
    """A certificate for loopback and `names`, in PEM form; it began two months ago and ends in `days`."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    hosts = [*(x509.DNSName(host) for host in ("localhost", *names))]
    loopback = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=60))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([*hosts, loopback]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.PEM).decode()


def private_pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    """A private key in PEM form."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def server_files(folder: Path, *names: str) -> tuple[Path, Path]:
    """Files with a server's certificate and key."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem, secret = folder / "cert.pem", folder / "key.pem"
    pem.write_text(self_signed(key, *names))
    secret.write_text(private_pem(key))
    return pem, secret
