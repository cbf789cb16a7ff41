"""Secrets at rest: AES-GCM under a named key, bound to the row they belong to.

A sealed secret is `1 | length of key id | key id | nonce (12) | ciphertext and tag`. Account, connection and
purpose are associated data, so a ciphertext copied into another row or column does not open. The newest key
seals, every key of the ring opens; `resealed` moves a secret to the newest key, which is all that rotation is.
"""

from __future__ import annotations

import os
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tieline.errors import TielineError
from tieline.settings import Keys

_FORMAT = 1
_NONCE = 12


class SecretUnreadable(TielineError):
    """A sealed secret does not open: its key is not in TIELINE_KEYS, or it was sealed for another row."""

    code, status = "secret_unreadable", 500


class Vault:
    """Seals and opens the secrets of connections."""

    def __init__(self, keys: Keys) -> None:
        self._current = keys.current
        self._ciphers = {name: AESGCM(key) for name, key in keys.by_id.items()}

    def seal(self, secret: str, account_id: UUID, connection_id: UUID, purpose: str) -> bytes:
        """`secret` sealed for one place; `purpose` names the column, such as `refresh_token`."""
        name = self._current.encode()
        nonce = os.urandom(_NONCE)
        head = bytes((_FORMAT, len(name))) + name
        return (
            head
            + nonce
            + self._ciphers[self._current].encrypt(
                nonce, secret.encode(), head + _place(account_id, connection_id, purpose)
            )
        )

    def open(self, sealed: bytes, account_id: UUID, connection_id: UUID, purpose: str) -> str:
        """The secret. Raises `SecretUnreadable` when it was sealed elsewhere, tampered with, or its key is gone."""
        sealed = bytes(sealed)
        name, head = _key_name(sealed)
        cipher = self._ciphers.get(name)
        if cipher is None:
            raise SecretUnreadable(f"the key {name!r} that sealed this secret is not in TIELINE_KEYS")
        nonce, body = sealed[len(head) : len(head) + _NONCE], sealed[len(head) + _NONCE :]
        try:
            plain = cipher.decrypt(nonce, body, head + _place(account_id, connection_id, purpose))
        except (InvalidTag, ValueError) as error:
            raise SecretUnreadable("a sealed secret does not open in this place") from error
        return plain.decode()

    def resealed(self, sealed: bytes, account_id: UUID, connection_id: UUID, purpose: str) -> bytes | None:
        """The secret under the newest key, or None when it already is."""
        if _key_name(bytes(sealed))[0] == self._current:
            return None
        return self.seal(
            self.open(sealed, account_id, connection_id, purpose), account_id, connection_id, purpose
        )


def _key_name(sealed: bytes) -> tuple[str, bytes]:
    if len(sealed) < 2 or sealed[0] != _FORMAT or len(sealed) < 2 + sealed[1] + _NONCE + 16:
        raise SecretUnreadable("this is no sealed secret")
    head = sealed[: 2 + sealed[1]]
    return head[2:].decode(errors="replace"), head


def _place(account_id: UUID, connection_id: UUID, purpose: str) -> bytes:
    return account_id.bytes + connection_id.bytes + purpose.encode()
