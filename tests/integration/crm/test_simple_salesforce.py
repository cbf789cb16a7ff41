"""simple-salesforce, unmodified, over TLS: an outsider's view of records, queries and describe."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceMalformedRequest, SalesforceResourceNotFound
from tests.ports import free_ports

from .conftest import ADMIN, World, client_of, served


def certificate(folder: Path, *names: str) -> tuple[Path, Path]:
    """A key and a certificate for loopback and other names, valid for a day."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName(
                [
                    *(x509.DNSName(name) for name in ("localhost", *names)),
                    x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
                ]
            ),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    pem, secret = folder / "cert.pem", folder / "key.pem"
    pem.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return pem, secret


@pytest.fixture
async def sf(world: World, tmp_path: Path) -> AsyncIterator[Salesforce]:
    """A client with the administrator's token, against the same org on a TLS port."""
    http = await client_of(world, ADMIN)
    await http.aclose()
    pem, key = certificate(tmp_path)
    port = free_ports()
    async with served(world.settings, port, ssl_certfile=pem, ssl_keyfile=key):
        session = requests.Session()
        session.verify = str(pem)
        session.trust_env = False
        yield Salesforce(
            instance_url=f"https://localhost:{port}",
            session_id=world.tokens[ADMIN]["access_token"],
            session=session,
            version="59.0",
        )
        session.close()


async def test_an_outside_client_works_unmodified(sf: Any) -> None:
    def work() -> None:
        made = sf.Contact.create({"LastName": "Outside", "FirstName": "Sim"})
        assert made["success"] is True
        assert sf.Contact.get(made["id"])["Name"] == "Sim Outside"
        assert sf.Contact.update(made["id"], {"Phone": "1"}) == 204
        found = sf.query("SELECT Id, Phone FROM Contact WHERE LastName = 'Outside'")
        assert found["records"][0]["Phone"] == "1"
        rows = sf.bulk2 and [{"LastName": f"Out{n:04d}"} for n in range(3)]
        for row in rows:
            sf.Contact.create(row)
        assert len(list(sf.query_all_iter("SELECT Id FROM Contact WHERE LastName LIKE 'Out0%'"))) == 3
        assert sf.search("FIND {Outside} RETURNING Contact(Id)")["searchRecords"]
        assert sf.quick_search("Outside")["searchRecords"]
        assert "Contact" in {item["name"] for item in sf.describe()["sobjects"]}
        assert sf.Contact.describe()["keyPrefix"] == "003"
        assert sf.limits()["DailyApiRequests"]["Max"] > 0
        assert sf.api_usage["api-usage"].used > 0
        deleted = sf.Contact.delete(made["id"])
        assert deleted == 204
        with pytest.raises(SalesforceResourceNotFound):
            sf.Contact.get(made["id"])
        with pytest.raises(SalesforceMalformedRequest):
            sf.query("SELECT Nope FROM Contact")

    await asyncio.to_thread(work)
