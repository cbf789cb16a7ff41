"""A `Switch` in another process, reached through its control door over HTTP.

Always holds: every wait has a limit; what may be sent again raises a retryable `SwitchError`. A command whose
answer was lost may have been done: sending it again with the same `command_id` does it once.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from typing import Any, Self

import httpx2

from tieline.telephony.courier import Courier
from tieline.telephony.switch import LegRole, SwitchError, SwitchEvent, SwitchHealth
from tieline.telephony.wire import HEARTBEAT_S, error_from_json, event_from_json, health_from_json

COMMAND_S = 10.0
"""The longest wait for the answer to a command; making a leg's transport takes tens of milliseconds."""
CONNECT_S = 2.0
_EVENT_SILENCE_S = 3 * HEARTBEAT_S


class RemoteSwitch:
    """The switch at `address` (`http://host:port`), asked with the control key `key`. Close it when done."""

    def __init__(self, address: str, key: str) -> None:
        headers = {"Authorization": f"Bearer {key}"}
        self._courier = Courier(address, headers, connect_s=CONNECT_S, answer_s=COMMAND_S)
        # Carries the stream of events, which lasts.
        self._client = httpx2.AsyncClient(base_url=address, headers=headers, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections; streams of events break."""
        self._courier.close()
        await self._client.aclose()

    async def health(self) -> SwitchHealth:
        """How the switch is. Raises `switch_unreachable` (retryable) if it does not answer."""
        return health_from_json(await self._ask("GET", "/v1/health"))

    async def create_call(self, call_id: str, *, command_id: str) -> None:
        await self._command(command_id, "create_call", call_id=call_id)

    async def end_call(self, call_id: str, *, command_id: str) -> None:
        await self._command(command_id, "end_call", call_id=call_id)

    async def add_webrtc_leg(
        self, leg_id: str, offer_sdp: str, *, role: LegRole, call_id: str | None, command_id: str
    ) -> str:
        answer = await self._command(
            command_id,
            "add_webrtc_leg",
            leg_id=leg_id,
            offer_sdp=offer_sdp,
            role=role.value,
            call_id=call_id,
        )
        if answer is None:
            raise _malformed("The switch answered an offer without an SDP.")
        return answer

    async def remove_leg(self, leg_id: str, *, command_id: str) -> None:
        await self._command(command_id, "remove_leg", leg_id=leg_id)

    async def move_leg(self, leg_id: str, call_id: str | None, *, command_id: str) -> None:
        await self._command(command_id, "move_leg", leg_id=leg_id, call_id=call_id)

    async def set_muted(self, leg_id: str, muted: bool, *, command_id: str) -> None:
        await self._command(command_id, "set_muted", leg_id=leg_id, muted=muted)

    async def set_held(self, leg_id: str, held: bool, *, music: str | None, command_id: str) -> None:
        await self._command(command_id, "set_held", leg_id=leg_id, held=held, music=music)

    async def play(
        self, leg_id: str, media: tuple[str, ...], *, loop_last: bool, play_id: str, command_id: str
    ) -> None:
        await self._command(
            command_id, "play", leg_id=leg_id, media=list(media), loop_last=loop_last, play_id=play_id
        )

    async def stop_play(self, play_id: str, *, command_id: str) -> None:
        await self._command(command_id, "stop_play", play_id=play_id)

    async def send_digits(self, leg_id: str, digits: str, *, command_id: str) -> None:
        await self._command(command_id, "send_digits", leg_id=leg_id, digits=digits)

    async def report_digits(self, leg_id: str, digits: str, *, command_id: str) -> None:
        await self._command(command_id, "report_digits", leg_id=leg_id, digits=digits)

    async def events(self, *, epoch: int | None, after: int) -> AsyncGenerator[SwitchEvent]:
        """As the seam says, as long as the connection lasts.

        When it breaks, or no heartbeat comes in time, `switch_unreachable` (retryable) is raised: ask again
        after the last event that was applied.
        """
        asked = {"after": str(after)} if epoch is None else {"epoch": str(epoch), "after": str(after)}
        timeout = httpx2.Timeout(_EVENT_SILENCE_S, connect=CONNECT_S)
        self._check_open()
        try:
            async with self._client.stream("GET", "/v1/events", params=asked, timeout=timeout) as response:
                if response.status_code != 200:
                    raise _refusal(response.status_code, await response.aread())
                async for line in response.aiter_lines():
                    found = json.loads(line)
                    if "heartbeat" not in found:
                        yield event_from_json(found)
        except (ValueError, KeyError) as error:
            raise _malformed("The switch sent an event that cannot be read.") from error
        except httpx2.HTTPError as error:
            raise _unreachable(error) from error
        raise SwitchError("switch_unreachable", "The switch ended its stream of events.", retryable=True)

    def _check_open(self) -> None:
        if self._courier.closed:
            raise SwitchError("switch_closed", "This way to the switch has been closed.", retryable=False)

    async def _command(self, command_id: str, verb: str, **params: Any) -> str | None:
        command = {"command_id": command_id, "verb": verb, "params": params}
        return (await self._ask("POST", "/v1/commands", json.dumps(command).encode())).get("result")

    async def _ask(self, method: str, path: str, body: bytes = b"") -> Mapping[str, Any]:
        self._check_open()
        try:
            status, answer = await self._courier.ask(method, path, body)
        except OSError as error:
            raise _unreachable(error) from error
        if status != 200:
            raise _refusal(status, answer)
        try:
            return json.loads(answer)
        except ValueError as error:
            raise _malformed("The switch's answer cannot be read.") from error


def _refusal(status: int, body: bytes) -> SwitchError:
    try:
        return error_from_json(json.loads(body))
    except (ValueError, KeyError, TypeError):
        return SwitchError("switch_failed", f"The switch answered {status}.", retryable=status >= 500)


def _unreachable(error: Exception) -> SwitchError:
    told = f"The switch does not answer: {type(error).__name__} {error}"
    return SwitchError("switch_unreachable", told, retryable=True)


def _malformed(message: str) -> SwitchError:
    return SwitchError("switch_malformed", message, retryable=False)
