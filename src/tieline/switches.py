"""The way from web to media: one remote switch per node's address."""

from __future__ import annotations

from tieline.settings import Settings
from tieline.telephony.remote import RemoteSwitch


def control_key(settings: Settings) -> str:
    """The secret between web and media, derived from the installation's keys."""
    return settings.keys.derive("media control").hex()


class RemoteSwitches:
    """`SwitchDirectory` of remote switches; clients are kept for their addresses."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._by_address: dict[str, RemoteSwitch] = {}

    def switch(self, node: str, address: str) -> RemoteSwitch:
        """The client of a node."""
        if address not in self._by_address:
            self._by_address[address] = RemoteSwitch(address, self._key)
        return self._by_address[address]

    async def close(self) -> None:
        """Close all clients."""
        for switch in self._by_address.values():
            await switch.aclose()
        self._by_address.clear()
