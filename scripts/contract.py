"""Writes the committed contracts from the code: run by `make generate`, compared by `make check`."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from tieline.app import create_app
from tieline.callbar.wire import Contract
from tieline.settings import Keys, Settings
from tieline.web.document import document

ORIGIN = "https://contact.example.com"
ROOT = Path(__file__).resolve().parent.parent


def without_titles(node: Any) -> Any:
    """The schema without pydantic's titles, which would become a type alias per member in TypeScript."""
    if isinstance(node, dict):
        return {k: without_titles(v) for k, v in node.items() if not (k == "title" and isinstance(v, str))}
    return [without_titles(v) for v in node] if isinstance(node, list) else node


def openapi() -> dict[str, Any]:
    """The public API as an installation at `ORIGIN` serves it; the routes are the application's, nothing is started."""
    with tempfile.TemporaryDirectory() as folder:
        for page in ("portal", "callbar", "phone"):
            (Path(folder) / f"{page}.html").touch()
        settings = Settings(
            database_url="postgresql://nobody@localhost/none",
            data_dir=Path(folder),
            public_url=ORIGIN,
            keys=Keys("contract", {"contract": bytes(32)}),
            media_listen=("127.0.0.1", 0),
            media_address=(),
            media_ports=(45000, 45999),
            web_dist=Path(folder),
            trust_loopback_crm=False,
        )
        return document(create_app(settings).routes, ORIGIN)


def contracts() -> dict[str, str]:
    """File name in `contract/` -> its text."""
    callbar = without_titles(Contract.model_json_schema(mode="serialization"))
    callbar["title"] = "Contract"
    written = {"callbar.json": callbar, "openapi.json": openapi()}
    return {
        name: json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
        for name, content in written.items()
    }


def main() -> int:
    """Write the files; with `--check`, change nothing and fail on a difference."""
    check = "--check" in sys.argv
    stale: list[str] = []
    for name, text in contracts().items():
        path = ROOT / "contract" / name
        if path.exists() and path.read_text() == text:
            continue
        if check:
            stale.append(name)
        else:
            path.write_text(text)
    if stale:
        print(f"contract/{', '.join(stale)} is out of date: run `make generate` and commit the result")
    return 1 if stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
