"""Where the demo's parts live: folders, ports, origins, keys; one source for the processes and the set-up."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import os
import secrets
import socket
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tieline.crm.settings import CrmSettings
from tieline.settings import SettingsError, default_web_dist, read_keys

ORG = "acme"
PASSWORD = "tieline-demo"  # noqa: S105 - the demo's, on loopback only, printed at start
LOGIN, CRM_LOGIN = "tieline", "tieline_crm"


@dataclass(frozen=True, slots=True)
class DemoUser:
    """Somebody who signs in, in the portal and in the org alike."""

    email: str
    first_name: str
    last_name: str
    language: str

    @property
    def name(self) -> str:
        """As people of the language write it."""
        parts = (
            (self.last_name, self.first_name) if self.language == "ja" else (self.first_name, self.last_name)
        )
        return " ".join(parts)


ADMINISTRATOR = DemoUser("admin@acme.example", "Alex", "Admin", "en")
AGENTS = (
    DemoUser("agent1@acme.example", "美咲", "高橋", "ja"),
    DemoUser("agent2@acme.example", "Emma", "Clark", "en"),
)
QUEUE_NUMBERS = (("+14155550100", "greeting/en"), ("+81345670100", "greeting/ja"))


class DemoError(SettingsError):
    """The demo cannot start; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Places:
    """One demo installation. Ports may be moved by TIELINE_PORT_BASE, to run two side by side."""

    data_dir: Path
    web_port: int
    crm_port: int
    media_port: int
    media_ports: tuple[int, int]

    def password(self, login: str) -> str:
        """The password of a login (`database`, `crm`) of the embedded PostgreSQL; made once."""
        return secret(self.data_dir / f"{login}.password")

    @property
    def empty(self) -> Path:
        """The mark that the org is left as it is new, for whoever wants to set it up by hand."""
        return self.data_dir / "empty"

    @property
    def public_url(self) -> str:
        return f"http://tieline.localhost:{self.web_port}"

    @property
    def vanity_url(self) -> str:
        """The demo account's own address."""
        return f"http://{ORG}.tieline.localhost:{self.web_port}"

    @property
    def web_url(self) -> str:
        """For programs: they do not all resolve names below localhost."""
        return f"http://localhost:{self.web_port}"

    @property
    def crm_url(self) -> str:
        return f"http://localhost:{self.crm_port}"

    @property
    def crm_tls_port(self) -> int:
        """8443 beside the documented ports."""
        return self.web_port + 43

    @property
    def login_origin(self) -> str:
        return f"http://{ORG}.my.localhost:{self.crm_port}"

    @property
    def console_origin(self) -> str:
        return f"http://{ORG}.lightning.localhost:{self.crm_port}"

    def environment(self, *, database_url: str, crm_database_url: str) -> dict[str, str]:
        """The environment of every process of the demo."""
        listen = "127.0.0.1"
        return {
            **os.environ,
            "TIELINE_DATABASE_URL": database_url,
            "TIELINE_CRM_DATABASE_URL": crm_database_url,
            "TIELINE_DATA_DIR": str(self.data_dir),
            "TIELINE_PUBLIC_URL": self.public_url,
            "TIELINE_CRM_URL": self.crm_url,
            "TIELINE_WEB_LISTEN": f"{listen}:{self.web_port}",
            "TIELINE_CRM_LISTEN": f"{listen}:{self.crm_port}",
            "TIELINE_CRM_TLS_PORT": str(self.crm_tls_port),
            "TIELINE_MEDIA_LISTEN": f"{listen}:{self.media_port}",
            "TIELINE_MEDIA_PORTS": f"{self.media_ports[0]}-{self.media_ports[1]}",
            "TIELINE_KEYS": keys_of(self.data_dir),
            "TIELINE_TRUST_LOOPBACK_CRM": "1",
            "TIELINE_MAILBOX": "1",
        }


def addresses(rows: Sequence[tuple[str, str]]) -> str:
    """What is where, a line each; printed with `soft_wrap`, so that an address can be copied from a narrow window."""
    return "\n".join(f"{what:<20} {where}".rstrip() for what, where in rows)


def places(environ: Mapping[str, str]) -> Places:
    """The demo's places from the environment; defaults are those of the documentation."""
    base = environ.get("TIELINE_PORT_BASE", "8400")
    if not base.isdigit() or not 1024 <= int(base) <= 65000:
        raise DemoError("TIELINE_PORT_BASE needs a port from 1024 to 65000.")
    port = int(base)
    low, _, high = environ.get("TIELINE_MEDIA_PORTS", "42000-42999").partition("-")
    return Places(
        data_dir=Path(environ.get("TIELINE_DATA_DIR") or "data").resolve(),
        web_port=port,
        crm_port=port + 1,
        media_port=port + 2,
        media_ports=(int(low), int(high)),
    )


def keys_of(data_dir: Path) -> str:
    """The demo's keys: made at first start, in a file that only its owner reads."""
    path = data_dir / "keys"
    if not path.exists():
        fresh = data_dir / "keys.new"
        fresh.unlink(missing_ok=True)
        fresh.touch(mode=0o600)
        fresh.write_text(f"demo:{base64.b64encode(secrets.token_bytes(32)).decode()}\n")
        fresh.rename(path)
    return path.read_text().strip()


def crm_settings(environ: Mapping[str, str]) -> CrmSettings:
    """Settings of the embedded CRM's process."""
    url = environ.get("TIELINE_CRM_DATABASE_URL")
    if not url:
        raise SettingsError(
            "TIELINE_CRM_DATABASE_URL is not set: postgresql://user:password@host/tieline_crm"
        )
    base = environ.get("TIELINE_CRM_URL", "http://localhost:8401").rstrip("/")
    scheme, _, authority = base.partition("://")
    return CrmSettings(
        database_url=url,
        data_key=read_keys(environ.get("TIELINE_KEYS", "")).derive("crm"),
        base_origin=base,
        my_pattern=f"{scheme}://{{org}}.my.{authority}",
        lightning_pattern=f"{scheme}://{{org}}.lightning.{authority}",
        web_dist=default_web_dist(),
        default_org=ORG,
    )


def check_port(port: int, what: str) -> None:
    """Raise `DemoError` if somebody else listens on the port."""
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise DemoError(
                f"Port {port} ({what}) is taken by another program: stop that one, "
                f"or choose other ports with `TIELINE_PORT_BASE=9400 make run`."
            ) from error


def secret(path: Path) -> str:
    """The secret that a file keeps; made once, whole or not at all."""
    if not path.exists():
        fresh = path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_urlsafe(24))
        fresh.rename(path)
    return path.read_text()


@contextlib.contextmanager
def only_one(folder: Path, command: str) -> Generator[None]:
    """Hold a data folder, made if need be, while `command` uses it. Raises `DemoError`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("w")
    except OSError as error:
        raise DemoError(
            f"{folder} cannot be written ({error.strerror}): set TIELINE_DATA_DIR to a folder of yours."
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise DemoError(
                f"Another `{command}` uses {folder}: stop it first (Ctrl-C in its window)."
            ) from None
        yield
