"""Scripts and styles come compressed to browsers that take them so, and as they are to everybody else."""

from __future__ import annotations

from pathlib import Path

from tests.integration.center import Center

from tieline.db.database import Database

SCRIPT = "export const words = 'hello';\n" * 200


async def test_texts_are_compressed_for_who_takes_them_so(database: Database, tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "page-1234.js").write_text(SCRIPT)
    async with Center(database, tmp_path) as center:
        plain = await center.http.get("/assets/page-1234.js", headers={"Accept-Encoding": "identity"})
        short = await center.http.get("/assets/page-1234.js", headers={"Accept-Encoding": "gzip, br"})
    assert plain.text == short.text == SCRIPT
    assert "content-encoding" not in plain.headers
    assert short.headers["content-encoding"] == "gzip"
    assert int(short.headers["content-length"]) < len(SCRIPT) / 10
    for answer in (plain, short):
        assert "javascript" in answer.headers["content-type"]
        assert answer.headers["vary"] == "Accept-Encoding"
        assert "immutable" in answer.headers["cache-control"]
