"""Redirect URIs and PKCE: what is accepted and what is not (RFC 6749, 7636, 8252, 9700). Pure.

A redirect URI is compared as a string: nothing is decoded, resolved or put in order, so what differs for anybody differs
here.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from urllib.parse import urlencode, urlsplit

MOST_URIS = 10
LONGEST_URI = 500
_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*|\[[0-9a-f:]+\]")
_UNRESERVED_PATH = re.compile(r"(?:/[A-Za-z0-9\-._~!$&'()*+,;=:@%]*)*")
_QUERY = re.compile(r"[A-Za-z0-9\-._~!$&'()*+,;=:@%/?]*")
_LOOPBACK = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]))(?::[0-9]{1,5})?(?=[/?]|$)")
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}")


def wrong_with_uri(uri: str) -> str | None:
    """Why a redirect URI cannot be registered (a code), or None when it can."""
    if len(uri) > LONGEST_URI:
        return "length"
    if not uri.isascii() or any(not c.isprintable() or c in ' \\"<>^`{|}' for c in uri):
        return "characters"
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        return "address"
    host = parts.hostname or ""
    if "#" in uri:
        return "fragment"
    if "@" in parts.netloc:
        return "userinfo"
    if "*" in uri:
        return "wildcard"
    named = f"[{host}]" if ":" in host else host
    if not _HOST.fullmatch(named) or port == 0 or parts.netloc not in (named, f"{named}:{port}"):
        return "address"
    if parts.scheme == "http":
        if not (host in ("127.0.0.1", "::1", "localhost") or host.endswith(".localhost")):
            return "https"
    elif parts.scheme != "https":
        return "https"
    if not _UNRESERVED_PATH.fullmatch(parts.path) or not _QUERY.fullmatch(parts.query):
        return "characters"
    plain = parts.path.lower().replace("%2e", ".")
    if any(step in (".", "..") for step in plain.split("/")) or not uri.startswith(f"{parts.scheme}://"):
        return "path"
    return None


def uri_fits(uri: str, registered: Sequence[str], *, public: bool) -> bool:
    """Whether a request may name this redirect URI: exactly a registered one.

    A program on the user's own machine cannot know its port before it listens: for public apps the port of a loopback
    address is free (RFC 8252, 7.3).
    """
    if uri in registered:
        return True
    if not public:
        return False
    plain = _LOOPBACK.sub(r"\1", uri)
    return bool(_LOOPBACK.match(uri)) and any(
        _LOOPBACK.match(each) and _LOOPBACK.sub(r"\1", each) == plain for each in registered
    )


def with_answer(uri: str, **answer: str | None) -> str:
    """The redirect URI with an answer in its query."""
    query = urlencode({name: value for name, value in answer.items() if value is not None})
    return f"{uri}{'&' if '?' in uri else '?'}{query}"


def challenge_is_sound(challenge: str | None, method: str | None) -> bool:
    """Whether a request carries a PKCE challenge by S256: `plain`, which a missing method means, is refused."""
    return method == "S256" and challenge is not None and _CHALLENGE.fullmatch(challenge) is not None


def verifier_fits(verifier: str, challenge: str) -> bool:
    """Whether the verifier is the one behind the challenge."""
    if not _VERIFIER.fullmatch(verifier):
        return False
    made = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return hmac.compare_digest(made, challenge)
