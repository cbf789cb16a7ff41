"""Deployment settings: read once from the environment, checked, typed, handed in. Secrets have no default."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parseaddr
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit


class SettingsError(Exception):
    """A setting is missing or wrong; the message names it and says what to write."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys that encrypt tokens at rest: id -> 32 bytes. The newest (first) encrypts, all decrypt."""

    current: str
    by_id: Mapping[str, bytes]

    def derive(self, purpose: str) -> bytes:
        """A key for another purpose, derived from the current one; differs per `purpose`."""
        return hmac.new(self.by_id[self.current], purpose.encode(), hashlib.sha256).digest()


@dataclass(frozen=True, slots=True)
class Smtp:
    """The mail server that takes our mail."""

    host: str
    port: int
    username: str
    password: str
    security: Literal["tls", "starttls", "none"]


@dataclass(frozen=True, slots=True)
class MailSettings:
    """How mail goes out: by a server, or (the demo) into a mailbox that a page shows."""

    sender: str
    smtp: Smtp | None


@dataclass(frozen=True, slots=True)
class Settings:
    """What a Tieline process is told by its environment; `docs/operate/settings.md` explains each."""

    database_url: str
    data_dir: Path
    public_url: str
    """Origin of the portal and the callbar in browsers, such as https://contact.example.com."""
    keys: Keys
    media_listen: tuple[str, int]
    media_address: tuple[str, ...]
    """Addresses offered to browsers for audio; empty means every interface of the machine."""
    media_ports: tuple[int, int]
    web_dist: Path
    trust_loopback_crm: bool
    """The demo's connection talks to an org on this machine; elsewhere a connection may not point inside."""
    mail: MailSettings | None = None
    """None: this installation sends no mail."""

    @property
    def public_host(self) -> str:
        """Host and port of `public_url`."""
        return urlsplit(self.public_url).netloc


def _port(name: str, text: str) -> int:
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise SettingsError(f"{name} needs a port between 1 and 65535, not {text!r}.")
    return int(text)


def read_keys(text: str) -> Keys:
    """Keys from `id:base64[,id:base64...]`, newest first."""
    by_id: dict[str, bytes] = {}
    for part in text.replace("\n", ",").split(","):
        if not part.strip():
            continue
        name, _, value = part.strip().partition(":")
        try:
            raw = base64.b64decode(value, validate=True)
        except binascii.Error as error:
            raise SettingsError("TIELINE_KEYS needs `id:base64` entries, newest first.") from error
        if len(raw) != 32 or not name:
            raise SettingsError("TIELINE_KEYS needs keys of 32 bytes each, as `id:base64`.")
        by_id[name] = raw
    if not by_id:
        raise SettingsError("TIELINE_KEYS is empty: set it to `id:base64` with 32 random bytes.")
    return Keys(next(iter(by_id)), by_id)


_SMTP_PORTS = {"smtps": 465, "smtp": 587, "smtp+plain": 25}
_SMTP_SECURITY: Mapping[str, Literal["tls", "starttls", "none"]] = {
    "smtps": "tls",
    "smtp": "starttls",
    "smtp+plain": "none",
}


def _read_mail(env: Mapping[str, str], public_host: str) -> MailSettings | None:
    url = env.get("TIELINE_SMTP_URL", "").strip()
    sender = env.get("TIELINE_MAIL_FROM", "").strip()
    if not url:
        if env.get("TIELINE_MAILBOX", "") != "1":
            return None
        if public_host != "localhost" and not public_host.endswith(".localhost"):
            raise SettingsError(
                "TIELINE_MAILBOX shows everybody's mail: it is for the demo on localhost only. Set TIELINE_SMTP_URL."
            )
        return MailSettings(sender or f"Tieline <no-reply@{public_host}>", None)
    parts = urlsplit(url)
    security = _SMTP_SECURITY.get(parts.scheme)
    try:
        port = parts.port or _SMTP_PORTS.get(parts.scheme, 0)
    except ValueError:
        port = 0
    if security is None or not parts.hostname or not port or parts.path not in ("", "/") or parts.query:
        raise SettingsError(
            "TIELINE_SMTP_URL needs smtps://user:password@host:465 or smtp://user:password@host:587 (STARTTLS)."
        )
    username, password = unquote(parts.username or ""), unquote(parts.password or "")
    if security == "none" and username:
        raise SettingsError("TIELINE_SMTP_URL: a password is not sent in clear; use smtps:// or smtp://.")
    if "@" not in parseaddr(sender)[1] or not sender.isprintable():
        raise SettingsError(
            "TIELINE_MAIL_FROM is not set: the address mails come from, such as Tieline <no-reply@example.com>."
        )
    return MailSettings(sender, Smtp(parts.hostname, port, username, password, security))


def default_web_dist() -> Path:
    """The built web pages: in the checkout, or where TIELINE_WEB_DIST says."""
    return Path(os.environ.get("TIELINE_WEB_DIST") or Path(__file__).resolve().parents[2] / "web" / "dist")


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment. Raises `SettingsError` with a sentence that names the setting."""
    env = os.environ if environ is None else environ

    def need(name: str, hint: str) -> str:
        value = env.get(name, "").strip()
        if not value:
            raise SettingsError(f"{name} is not set: {hint}")
        return value

    public = need("TIELINE_PUBLIC_URL", "the origin users open, such as https://contact.example.com").rstrip(
        "/"
    )
    parts = urlsplit(public)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query:
        raise SettingsError(f"TIELINE_PUBLIC_URL needs an origin without a path, not {public!r}.")
    listen = env.get("TIELINE_MEDIA_LISTEN", "127.0.0.1:8402")
    host, _, port = listen.rpartition(":")
    low, _, high = env.get("TIELINE_MEDIA_PORTS", "42000-42999").partition("-")
    ports = (_port("TIELINE_MEDIA_PORTS", low), _port("TIELINE_MEDIA_PORTS", high or low))
    if ports[0] > ports[1]:
        raise SettingsError("TIELINE_MEDIA_PORTS needs `low-high`, such as 42000-42999.")
    return Settings(
        database_url=need("TIELINE_DATABASE_URL", "postgresql://user:password@host/tieline"),
        data_dir=Path(env.get("TIELINE_DATA_DIR") or "data").resolve(),
        public_url=public,
        keys=read_keys(need("TIELINE_KEYS", "`id:base64` with 32 random bytes, newest first")),
        media_listen=(host, _port("TIELINE_MEDIA_LISTEN", port)),
        media_address=tuple(a.strip() for a in env.get("TIELINE_MEDIA_ADDRESS", "").split(",") if a.strip()),
        media_ports=ports,
        web_dist=default_web_dist(),
        trust_loopback_crm=env.get("TIELINE_TRUST_LOOPBACK_CRM", "") == "1",
        mail=_read_mail(env, parts.hostname),
    )
