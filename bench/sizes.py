"""What the browser has to load, from the web build: compressed as servers send it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from bench.figures import Figure

from tieline.settings import default_web_dist


async def run(rounds: int) -> list[Figure]:
    """Scripts and styles that a page cannot do without, with one language's words."""
    dist = default_web_dist()
    manifest: dict[str, Any] = json.loads((dist / "assets" / "manifest.json").read_text())
    figures: list[Figure] = []
    for page, told, goal in (("callbar", "script and styles", 200), ("console", "script", 350)):
        files = needed(manifest, f"{page}.html")
        if told == "script":
            files = {file for file in files if file.endswith(".js")}
        kilobytes = sum(_compressed(dist / file) for file in files) / 1000
        note = f"{len(files)} files, and one of its languages"
        figures.append(Figure(f"{page}: {told}, compressed", kilobytes, "kB", most=goal, note=note))
    return figures


def needed(manifest: dict[str, Any], entry: str) -> set[str]:
    """Files of an entry: itself, what it imports, their styles, and the larger of its languages."""
    files: set[str] = set()
    seen: set[str] = set()

    def add(name: str) -> None:
        if name not in seen:
            seen.add(name)
            chunk = manifest[name]
            files.update((chunk["file"], *chunk.get("css", ())))
            for other in chunk.get("imports", ()):
                add(other)

    add(entry)
    words = [
        name for name in manifest[entry].get("dynamicImports", ()) if name.endswith((".json", "/ja", "/en"))
    ]
    if words:
        add(max(words, key=lambda name: name.endswith("ja.json")))
    return files


def _compressed(file: Path) -> int:
    return len(gzip.compress(file.read_bytes(), 6))
