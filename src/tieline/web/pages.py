"""Our pages: built by the web workspace, given their configuration and their security policy here."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from tieline.errors import NotFound

_CONFIG = '<script type="application/json" id="tieline-config">{}</script>'

_TEXTS = frozenset({".css", ".js", ".json", ".svg"})


class PagesNotBuilt(Exception):
    """The web pages are missing; the message says what to run."""


class Pages:
    """The built pages in one folder. Read once: a new build needs a restart."""

    def __init__(self, dist: Path) -> None:
        self._dist = dist.resolve()
        self._html: dict[str, str] = {}
        self._compressed: dict[Path, bytes] = {}
        for name in ("portal", "callbar", "phone"):
            path = self._dist / f"{name}.html"
            if not path.exists():
                raise PagesNotBuilt(f"{path} is missing: run `make setup` to build the web pages.")
            self._html[name] = path.read_text()

    def page(
        self,
        name: str,
        config: Mapping[str, Any],
        *,
        frame_ancestors: str = "'none'",
        scripts_from: str = "",
        status: int = 200,
    ) -> HTMLResponse:
        """A page with its configuration; `scripts_from` is one more origin scripts may be loaded from."""
        text = json.dumps(config, separators=(",", ":")).replace("<", "\\u003c")
        html = self._html[name].replace(_CONFIG, _CONFIG.replace("{}", text))
        policy = (
            f"default-src 'none'; script-src 'self' {scripts_from}; style-src 'self'; "
            "img-src 'self' data:; font-src 'self'; connect-src 'self'; media-src 'self' blob: mediastream:; "
            f"base-uri 'none'; form-action 'self'; frame-ancestors {frame_ancestors}"
        )
        headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store"}
        return HTMLResponse(html, status, headers)

    def asset(self, path: str) -> Response:
        """A file under `assets/` (named by its hash, so kept for ever) or `slds/`."""
        file = (self._dist / path).resolve()
        if (
            not file.is_relative_to(self._dist)
            or not file.is_file()
            or path.split("/")[0] not in ("assets", "slds")
        ):
            raise NotFound
        kept = (
            "public, max-age=31536000, immutable" if path.startswith("assets/") else "public, max-age=86400"
        )
        headers = {"Cache-Control": kept}
        if file.suffix not in _TEXTS:
            return FileResponse(file, headers=headers)
        return _Text(file, headers, self._compressed)


class _Text(FileResponse):
    """A file of text, sent compressed to whoever takes it so. It is compressed once, when first asked for."""

    def __init__(self, file: Path, headers: Mapping[str, str], compressed: dict[Path, bytes]) -> None:
        super().__init__(file, headers={**headers, "Vary": "Accept-Encoding"})
        self._file = file
        self._compressed = compressed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if "gzip" not in Headers(scope=scope).get("accept-encoding", ""):
            await super().__call__(scope, receive, send)
            return
        body = self._compressed.get(self._file)
        if body is None:
            body = self._compressed[self._file] = await asyncio.to_thread(_compress, self._file)
        headers = {name: self.headers[name] for name in ("cache-control", "vary")}
        answer = Response(body, headers={**headers, "Content-Encoding": "gzip"}, media_type=self.media_type)
        await answer(scope, receive, send)


def _compress(file: Path) -> bytes:
    return gzip.compress(file.read_bytes(), 9, mtime=0)
