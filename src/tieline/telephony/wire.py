"""The Switch seam as JSON: what travels between the media process and those who ask it.

A command is `{command_id, verb, params}`, its answer `{result}`; a refusal is `{code, message, retryable}`; an
event is one line of JSON; a line `{"heartbeat": last}` says that there is nothing new.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from tieline.telephony.switch import LegRole, Switch, SwitchError, SwitchEvent, SwitchEventKind, SwitchHealth

HEARTBEAT_S = 2.0
"""At least this often a line comes over an events stream."""


def event_to_json(event: SwitchEvent) -> dict[str, Any]:
    """An event as a JSON object; fields that are None are left out."""
    fields: dict[str, Any] = {
        "node": event.node,
        "epoch": event.epoch,
        "sequence": event.sequence,
        "kind": event.kind.value,
        "at_ms": event.at_ms,
        "call_id": event.call_id,
        "leg_id": event.leg_id,
        "command_id": event.command_id,
        "data": dict(event.data),
    }
    return {name: value for name, value in fields.items() if value is not None}


def event_from_json(found: Mapping[str, Any]) -> SwitchEvent:
    """The event of a line. Raises KeyError or ValueError for what is none."""
    return SwitchEvent(
        node=found["node"],
        epoch=found["epoch"],
        sequence=found["sequence"],
        kind=SwitchEventKind(found["kind"]),
        at_ms=found["at_ms"],
        call_id=found.get("call_id"),
        leg_id=found.get("leg_id"),
        command_id=found.get("command_id"),
        data=found["data"],
    )


def health_to_json(health: SwitchHealth) -> dict[str, Any]:
    """Health as a JSON object."""
    return {
        "node": health.node,
        "epoch": health.epoch,
        "calls": health.calls,
        "legs": health.legs,
        "tick_lag_ms": health.tick_lag_ms,
        "accepting": health.accepting,
        "late_share": health.late_share,
    }


def health_from_json(found: Mapping[str, Any]) -> SwitchHealth:
    """Health of a JSON object. Raises KeyError or TypeError for what is none."""
    return SwitchHealth(
        node=found["node"],
        epoch=found["epoch"],
        calls=found["calls"],
        legs=found["legs"],
        tick_lag_ms=found["tick_lag_ms"],
        accepting=found["accepting"],
        late_share=found["late_share"],
    )


def error_to_json(error: SwitchError) -> dict[str, Any]:
    """A refusal as a JSON object."""
    return {"code": error.code, "message": str(error), "retryable": error.retryable}


def error_from_json(found: Mapping[str, Any]) -> SwitchError:
    """The refusal in a JSON object. Raises KeyError for what is none."""
    return SwitchError(found["code"], found["message"], retryable=bool(found["retryable"]))


async def perform(switch: Switch, command: object) -> str | None:
    """Do the command of a JSON object on `switch`; gives its result.

    Raises `command_invalid` for what is no command, else what the switch raises.
    """
    body = _Fields(command)
    command_id, verb, params = body.text("command_id"), body.text("verb"), _Fields(body.get("params"))
    match verb:
        case "create_call":
            await switch.create_call(params.text("call_id"), command_id=command_id)
        case "end_call":
            await switch.end_call(params.text("call_id"), command_id=command_id)
        case "add_webrtc_leg":
            return await switch.add_webrtc_leg(
                params.text("leg_id"),
                params.text("offer_sdp"),
                role=params.role("role"),
                call_id=params.text_or_none("call_id"),
                command_id=command_id,
            )
        case "remove_leg":
            await switch.remove_leg(params.text("leg_id"), command_id=command_id)
        case "move_leg":
            await switch.move_leg(
                params.text("leg_id"), params.text_or_none("call_id"), command_id=command_id
            )
        case "set_muted":
            await switch.set_muted(params.text("leg_id"), params.flag("muted"), command_id=command_id)
        case "set_held":
            await switch.set_held(
                params.text("leg_id"),
                params.flag("held"),
                music=params.text_or_none("music"),
                command_id=command_id,
            )
        case "play":
            await switch.play(
                params.text("leg_id"),
                params.texts("media"),
                loop_last=params.flag("loop_last"),
                play_id=params.text("play_id"),
                command_id=command_id,
            )
        case "stop_play":
            await switch.stop_play(params.text("play_id"), command_id=command_id)
        case "send_digits":
            await switch.send_digits(params.text("leg_id"), params.text("digits"), command_id=command_id)
        case "report_digits":
            await switch.report_digits(params.text("leg_id"), params.text("digits"), command_id=command_id)
        case _:
            raise _invalid(f"There is no verb {verb!r}.")
    return None


class _Fields:
    """Reads a JSON object's fields with the types they must have."""

    def __init__(self, found: object) -> None:
        if not isinstance(found, dict):
            raise _invalid("An object is expected.")
        self._found = cast("dict[str, object]", found)

    def get(self, name: str) -> object:
        return self._found.get(name)

    def text(self, name: str) -> str:
        value = self._found.get(name)
        if not isinstance(value, str) or not value:
            raise _invalid(f"{name} must be a text.")
        return value

    def text_or_none(self, name: str) -> str | None:
        return None if self._found.get(name) is None else self.text(name)

    def texts(self, name: str) -> tuple[str, ...]:
        values = self._found.get(name)
        if not isinstance(values, list):
            raise _invalid(f"{name} must be a list of texts.")
        entries = cast("list[object]", values)
        texts = tuple(entry for entry in entries if isinstance(entry, str))
        if len(texts) != len(entries):
            raise _invalid(f"{name} must be a list of texts.")
        return texts

    def flag(self, name: str) -> bool:
        value = self._found.get(name)
        if not isinstance(value, bool):
            raise _invalid(f"{name} must be true or false.")
        return value

    def role(self, name: str) -> LegRole:
        try:
            return LegRole(self.text(name))
        except ValueError as error:
            raise _invalid(f"{name} must be one of {', '.join(LegRole)}.") from error


def _invalid(message: str) -> SwitchError:
    return SwitchError("command_invalid", message, retryable=False)
