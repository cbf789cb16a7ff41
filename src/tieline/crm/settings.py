"""Deployment settings of the CRM: handed in by whoever starts it, never read from the environment here."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

_REPOSITORY = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, kw_only=True)
class CrmSettings:
    """What the CRM process needs to know.

    `database_url` names the registry database, with a role that may create databases (one per org).
    `data_key` is 32 secret bytes; client secrets are encrypted under it. Origins carry no trailing slash.
    `change_events_per_transaction` are told one by one before a transaction's other changes are told as an overflow.
    `pubsub_port` serves the Pub/Sub API in clear on loopback, `pubsub_tls_port` over TLS; without them it is not served.
    `tls_port` is where the same doors are open over TLS, for programs. `faults_key` lets its holder set faults.
    """

    database_url: str
    data_key: bytes = field(repr=False)
    base_origin: str = "http://localhost:8401"
    my_pattern: str = "http://{org}.my.localhost:8401"
    lightning_pattern: str = "http://{org}.lightning.localhost:8401"
    web_dist: Path = _REPOSITORY / "web" / "dist"
    locales: Path = _REPOSITORY / "web" / "src" / "console" / "locales"
    default_org: str | None = None
    session_minutes: int = 120
    console_session_hours: int = 12
    pool_size: int = 10
    daily_api_requests: int = 15_000
    daily_event_deliveries: int = 50_000
    change_events_per_transaction: int = 100_000
    cometd_clients: int = 1_000
    long_poll_s: float = 110.0
    pubsub_port: int | None = None
    pubsub_tls_port: int | None = None
    request_timeout_s: float = 60.0
    tls_port: int | None = None
    faults_key: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if len(self.data_key) != 32:
            raise ValueError("data_key must be 32 bytes")
        for name in ("my_pattern", "lightning_pattern"):
            if "{org}" not in getattr(self, name):
                raise ValueError(f"{name} must contain {{org}}")

    def my_origin(self, org: str, *, secure: bool = False) -> str:
        """Origin of an org's sign-in and API; `secure`: the one on the TLS port, where there is one."""
        return self._origin(self.my_pattern, org, secure)

    def lightning_origin(self, org: str, *, secure: bool = False) -> str:
        """Origin of an org's console; `secure` as with `my_origin`."""
        return self._origin(self.lightning_pattern, org, secure)

    def _origin(self, pattern: str, org: str, secure: bool) -> str:
        origin = pattern.format(org=org)
        parts = urlsplit(origin)
        if not secure or self.tls_port is None or parts.scheme == "https":
            return origin
        return f"https://{parts.hostname}:{self.tls_port}"

    def place_of(self, host: str) -> tuple[str, str | None] | None:
        """Which door a Host header means: ("base", None), ("my", org), ("lightning", org), or None.

        Any loopback name without an org is the base door (a TLS port included), because programs that cannot
        resolve `*.localhost` reach the org that way.
        """
        host = host.lower()
        name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        if name in ("localhost", "127.0.0.1", "[::1]") or host == urlsplit(self.base_origin).netloc:
            return ("base", None)
        if self.tls_port and host == f"{name}:{self.tls_port}":
            port = urlsplit(self.base_origin).port
            host = f"{name}:{port}" if port else name
        for place, pattern in (("my", self.my_pattern), ("lightning", self.lightning_pattern)):
            before, _, after = urlsplit(pattern).netloc.partition("{org}")
            org = host[len(before) : len(host) - len(after)]
            if host == before + org + after and org and org.replace("-", "").isalnum():
                return (place, org)
        return None
