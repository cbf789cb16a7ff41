"""Secrets at rest."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from tieline.settings import Keys
from tieline.vault import SecretUnreadable, Vault

ACCOUNT, OTHER, CONNECTION = UUID(int=1), UUID(int=2), UUID(int=3)
OLD = Keys("k1", {"k1": bytes(32)})
NEW = Keys("k2", {"k2": bytes(range(32)), "k1": bytes(32)})


def test_a_secret_opens_only_where_it_was_sealed() -> None:
    vault = Vault(OLD)
    sealed = vault.seal("00Dxx!token", ACCOUNT, CONNECTION, "access_token")
    assert vault.open(sealed, ACCOUNT, CONNECTION, "access_token") == "00Dxx!token"
    for place in (
        (OTHER, CONNECTION, "access_token"),
        (ACCOUNT, OTHER, "access_token"),
        (ACCOUNT, CONNECTION, "refresh_token"),
    ):
        with pytest.raises(SecretUnreadable):
            vault.open(sealed, *place)


def test_the_same_secret_is_never_sealed_alike_and_never_visible() -> None:
    vault = Vault(OLD)
    one, two = (vault.seal("plain-token", ACCOUNT, CONNECTION, "x") for _ in range(2))
    assert one != two
    assert b"plain-token" not in one


def test_old_secrets_open_after_rotation_and_move_to_the_new_key() -> None:
    sealed = Vault(OLD).seal("s", ACCOUNT, CONNECTION, "x")
    vault = Vault(NEW)
    moved = vault.resealed(sealed, ACCOUNT, CONNECTION, "x")
    assert moved is not None
    assert vault.resealed(moved, ACCOUNT, CONNECTION, "x") is None
    assert Vault(replace(NEW, by_id={"k2": NEW.by_id["k2"]})).open(moved, ACCOUNT, CONNECTION, "x") == "s"


@pytest.mark.parametrize("change", [0, 1, 2, 5, -1])
def test_a_changed_byte_is_noticed(change: int) -> None:
    vault = Vault(OLD)
    sealed = bytearray(vault.seal("s", ACCOUNT, CONNECTION, "x"))
    sealed[change] ^= 1
    with pytest.raises(SecretUnreadable):
        vault.open(bytes(sealed), ACCOUNT, CONNECTION, "x")


@pytest.mark.parametrize(
    "junk", [b"", b"\x01", b"\x01\xff", b"\x01\x02k1short", b"plain text of some length, forty bytes."]
)
def test_junk_does_not_open(junk: bytes) -> None:
    with pytest.raises(SecretUnreadable):
        Vault(OLD).open(junk, ACCOUNT, CONNECTION, "x")
