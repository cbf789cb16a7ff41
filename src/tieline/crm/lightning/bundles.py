"""Deployed component bundles and their compiled twins.

The build compiles the components that come with this program (`web/scripts/lwc.mjs`) and writes down the hash of every
source that went in. A page shows a component only where the org holds exactly these sources: what runs is what is
deployed. A component of somebody else's is stored and retrieved like any other, and its page says that it cannot run.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..deploy.components import all_stored, files_of, stored

BUNDLE = "LightningComponentBundle"
AURA = "AuraDefinitionBundle"
_SOURCES = (".js", ".html", ".css", ".cmp")


@dataclass(frozen=True, slots=True)
class Compiled:
    """A component that this program can run: its script, and what went into it."""

    script: str
    bundles: Mapping[str, str]
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Compilation:
    """All that the build compiled; `host` and `styles` are script and style sheet that components stand on."""

    host: str
    styles: str
    components: Mapping[str, Compiled]
    backgrounds: Mapping[str, Compiled]
    """Twins of Aura components that work in the background of console apps."""


@lru_cache(maxsize=4)
def _read(file: Path, changed_at: int) -> Compilation:
    told: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return Compilation(
        told["host"],
        told["styles"],
        {
            name: Compiled(each["script"], each["bundles"], tuple(each["labels"]))
            for name, each in told["components"].items()
        },
        {
            name: Compiled(each["script"], {name: each["source"]}, ())
            for name, each in told.get("backgrounds", {}).items()
        },
    )


def compilation(web_dist: Path) -> Compilation:
    """What the build in `web_dist` compiled; nothing where there is no build."""
    file = web_dist / "assets" / "lwc" / "components.json"
    try:
        return _read(file, file.stat().st_mtime_ns)
    except FileNotFoundError:
        return Compilation("", "", {}, {})


def source_hash(files: Mapping[str, bytes]) -> str:
    """The hash of a bundle's sources by path in the bundle, as the build computes it."""
    digest = hashlib.sha256()
    for name in sorted(files):
        if name.endswith(_SOURCES) and not name.startswith("__tests__"):
            digest.update(f"{name}\0{hashlib.sha256(files[name]).hexdigest()}\n".encode())
    return digest.hexdigest()


async def runnable(conn: Any, web_dist: Path, name: str) -> tuple[Compilation, Compiled, str | None] | None:
    """The compiled twin of a deployed component, and its namespace; None where there is none with its sources.

    `name` is the component's in the org, with its package's prefix.
    """
    row = await stored(conn, BUNDLE, name)
    if row is None:
        return None
    prefix = f"{row.namespace}__" if row.namespace else ""
    compiled = await asyncio.to_thread(compilation, web_dist)
    twin = compiled.components.get(name.removeprefix(prefix))
    if twin is None:
        return None
    if not await _as_compiled(conn, BUNDLE, prefix, twin):
        return None
    return compiled, twin, row.namespace


async def backgrounds(conn: Any, web_dist: Path) -> list[dict[str, str | None]]:
    """The deployed Aura components that work in the background, as `{script, namespace}`; those of other sources than
    the compiled ones do not run."""
    compiled = await asyncio.to_thread(compilation, web_dist)
    found: list[dict[str, str | None]] = []
    for row in await all_stored(conn, AURA):
        prefix = f"{row.namespace}__" if row.namespace else ""
        twin = compiled.backgrounds.get(row.name.removeprefix(prefix))
        if twin is not None and await _as_compiled(conn, AURA, prefix, twin):
            found.append({"script": f"/assets/lwc/{twin.script}", "namespace": row.namespace})
    return found


async def _as_compiled(conn: Any, type_name: str, prefix: str, twin: Compiled) -> bool:
    for bundle, wanted in twin.bundles.items():
        files = await files_of(conn, type_name, prefix + bundle)
        inside = {path.split("/", 2)[-1]: content for path, content in files.items()}
        if source_hash(inside) != wanted:
            return False
    return True
