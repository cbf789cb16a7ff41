"""Call center definitions that mean harm: refused quickly, in little memory, with nothing fetched."""

from __future__ import annotations

import resource
import socket
import subprocess
import sys
import time

import pytest
from tests.article import STANDARD

from tieline.crm.errors import Faults
from tieline.crm.setup.definition_file import DefinitionFault, parse_definition
from tieline.crm.softphone import MAX_DEFINITION

BOMB = (
    "<!DOCTYPE callCenter [<!ENTITY a0 'ha'>"
    + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 10))
    + "]><callCenter>&a9;</callCenter>"
)


def hostile(port: int) -> dict[str, bytes]:
    """Files by what they try; `port` is where nobody may be asked for anything."""
    address = f"http://127.0.0.1:{port}/x"
    return {
        "a bomb": BOMB.encode(),
        "a bomb in UTF-16": BOMB.encode("utf-16"),
        "a quadratic bomb": (
            f"<!DOCTYPE c [<!ENTITY a '{'a' * 50_000}'>]><callCenter>{'&a;' * 20_000}</callCenter>".encode()
        ),
        "a file of this computer": b"<!DOCTYPE c [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><callCenter>&x;</callCenter>",
        "an address": f"<!DOCTYPE c [<!ENTITY x SYSTEM '{address}'>]><callCenter>&x;</callCenter>".encode(),
        "a DTD elsewhere": f"<!DOCTYPE callCenter SYSTEM '{address}'><callCenter/>".encode(),
        "a DOCTYPE behind comments": f"<!-- {'x' * 100} -->\n<!DOCTYPE c SYSTEM '{address}'><callCenter/>".encode(),
        "an inclusion": (
            f"<callCenter xmlns:xi='http://www.w3.org/2001/XInclude'><xi:include href='{address}'/></callCenter>".encode()
        ),
        "a style sheet": f"<?xml-stylesheet href='{address}'?><callCenter/>".encode(),
        "UTF-7 that says so": b"<?xml version='1.0' encoding='UTF-7'?>+ADw-callCenter/+AD4-",
        "UTF-7 that does not": b"+ADw-callCenter/+AD4-",
        "UTF-16": STANDARD.encode("utf-16"),
        "UTF-16 without its mark": STANDARD.encode("utf-16-le"),
        "UTF-32": STANDARD.encode("utf-32"),
        "Latin 1": STANDARD.replace("Zoom", "Zöom").encode("latin-1"),
        "elements a million deep": b"<a>" * 1_000_000 + b"</a>" * 1_000_000,
        "elements as deep as fit": b"<a>" * 35_000 + b"</a>" * 35_000,
        "attributes without end": b"<callCenter " + b" ".join(b"a%d=''" % n for n in range(20_000)) + b"/>",
        "a hundred megabytes": b"<callCenter>" + b" " * 100_000_000,
        "nothing": b"",
        "only a mark": b"\xef\xbb\xbf",
    }


def refused(raw: bytes) -> float:
    """Seconds of processor time until the refusal."""
    before = time.process_time()
    try:
        parse_definition(raw)
    except (DefinitionFault, Faults):
        return time.process_time() - before
    raise AssertionError("it was taken")


def test_harm_is_refused_at_once_and_asks_nobody() -> None:
    with socket.create_server(("127.0.0.1", 0)) as canary:
        canary.setblocking(False)
        slow = {
            name: seconds
            for name, raw in hostile(canary.getsockname()[1]).items()
            if (seconds := min(refused(raw) for _ in range(2))) > 0.1
        }
        assert slow == {}
        with pytest.raises(BlockingIOError):
            canary.accept()


def test_harm_takes_little_memory() -> None:
    # A process of its own: what others have used before would hide it.
    found = subprocess.run(
        [sys.executable, "-c", f"import {__name__} as here; print(here.grown_kb())"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert int(found.stdout) <= 20 * 1024


def grown_kb() -> int:
    """By how many kilobytes this process grew while it refused what fits through the door."""
    files = [raw for raw in hostile(9).values() if len(raw) <= MAX_DEFINITION + 1]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for raw in files:
        refused(raw)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
