"""Certificates for this machine."""

from __future__ import annotations

import ssl
from pathlib import Path

from cryptography import x509

from tieline.crm.tls import local_certificates


def test_keys_are_the_owner_s_and_clients_trust_the_authority(tmp_path: Path) -> None:
    made = local_certificates(tmp_path / "tls", ["acme"])
    assert made.key.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "tls" / "ca.key").stat().st_mode & 0o777 == 0o600
    context = ssl.create_default_context(cafile=made.authority)
    assert context.cert_store_stats()["x509_ca"] == 1
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(made.certificate, made.key)
    names = (
        x509.load_pem_x509_certificate(made.certificate.read_bytes())
        .extensions.get_extension_for_class(x509.SubjectAlternativeName)
        .value.get_values_for_type(x509.DNSName)
    )
    assert set(names) == {"localhost", "acme.my.localhost", "acme.lightning.localhost"}


def test_the_authority_stays_when_a_name_is_added(tmp_path: Path) -> None:
    first = local_certificates(tmp_path, ["acme"])
    authority, certificate = first.authority.read_bytes(), first.certificate.read_bytes()
    assert local_certificates(tmp_path, ["acme"]).certificate.read_bytes() == certificate
    local_certificates(tmp_path, ["acme", "beta"])
    assert first.authority.read_bytes() == authority
    assert first.certificate.read_bytes() != certificate


def test_the_authority_signs_for_this_machine_only(tmp_path: Path) -> None:
    read = x509.load_pem_x509_certificate(local_certificates(tmp_path).authority.read_bytes())
    limits = read.extensions.get_extension_for_class(x509.NameConstraints)
    assert limits.critical
    assert x509.DNSName("localhost") in (limits.value.permitted_subtrees or [])


def test_files_that_are_broken_are_made_anew(tmp_path: Path) -> None:
    made = local_certificates(tmp_path)
    made.authority.write_text("not a certificate")
    local_certificates(tmp_path)
    assert x509.load_pem_x509_certificate(made.authority.read_bytes())
