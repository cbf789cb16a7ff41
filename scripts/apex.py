"""`make check` of the package's Apex: apex-ls reads it against the project's own objects, PMD looks for bad habits.

Both come inside an npm package of Salesforce's Code Analyzer and need Java 17. Apex itself runs in real orgs only: the
tables of cases in `sfdx/cases` are put into a class for its tests there (`make generate` writes it).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent / "sfdx"
CLASSES = PROJECT / "force-app" / "main" / "default" / "classes"
JARS = PROJECT / "node_modules" / "@salesforce" / "code-analyzer-pmd-engine" / "dist" / "java-lib"
_LINE = 90


def cases_class(name: str, table: str) -> str:
    """The class that holds a table of cases as JSON."""
    text = json.dumps(json.loads(table), ensure_ascii=True, separators=(",", ":"))
    pieces = [text[start : start + _LINE] for start in range(0, len(text), _LINE)]
    quoted = ["'" + piece.replace("\\", "\\\\").replace("'", "\\'") + "'" for piece in pieces]
    joined = " +\n        ".join(quoted)
    return (
        f"/** The cases of `sfdx/cases/{name}.json`. Written by `make generate`. */\n"
        f"@IsTest\npublic class {name}Cases {{\n    public static final String TABLE =\n        {joined};\n}}\n"
    )


def generated() -> Iterator[tuple[Path, str]]:
    """Classes that are made of tables of cases: where they belong, and what must stand there."""
    for path in sorted((PROJECT / "cases").glob("*.json")):
        yield CLASSES / f"{path.stem}Cases.cls", cases_class(path.stem, path.read_text("utf-8"))


def _java() -> str | None:
    java = shutil.which("java")
    if java is None:
        return None
    told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr  # noqa: S603
    found = re.search(r'version "(\d+)', told)
    return java if found and int(found.group(1)) >= 17 else None


def _run(java: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [java, "-cp", f"{JARS}/*", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=PROJECT)  # noqa: S603


def apex_ls(java: str) -> Iterator[str]:
    """What does not compile, or names something that is not there."""
    done = _run(
        java, "io.github.apexdevtools.apexls.CheckForIssues", "-d", "warnings", "-n", "-w", str(PROJECT)
    )
    if done.returncode:
        yield from (done.stdout + done.stderr).strip().splitlines() or ["apex-ls failed without a word"]


def pmd(java: str) -> Iterator[str]:
    """What PMD's rules say."""
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = Path(folder, "asked.json"), Path(folder, "answered.json")
        files = [str(path) for path in sorted(CLASSES.glob("*.cls"))]
        asked.write_text(
            json.dumps(
                {
                    "ruleSetInputFile": str(PROJECT / "pmd.xml"),
                    "runDataPerLanguage": {"apex": {"filesToScan": files}},
                }
            )
        )
        done = _run(java, "com.salesforce.sfca.pmdwrapper.PmdWrapper", "run", str(asked), str(answered))
        if not answered.exists():
            yield f"PMD failed: {(done.stdout + done.stderr)[-1000:]}"
            return
        told: dict[str, Any] = json.loads(answered.read_text())
    for each in told["violations"]:
        where = each["codeLocation"]
        yield f"{Path(where['file']).name}:{where['startLine']}: {each['rule']}: {each['message']}"
    for each in told["processingErrors"]:
        yield f"{Path(each['file']).name}: {each['message']}"


def main() -> int:
    """With `--write` writes the generated classes; otherwise prints what is wrong, and answers 1 when anything is."""
    if "--write" in sys.argv:
        for path, text in generated():
            path.write_text(text)
        return 0
    found = [
        f"{path.name} is not what `make generate` writes"
        for path, text in generated()
        if not path.exists() or path.read_text() != text
    ]
    java = _java()
    if java is None:
        print("Java 17 is missing: the Apex classes are not checked here (CI does it).")
        found += ["CI must have Java 17"] if "CI" in os.environ else []
    else:
        found += [*apex_ls(java), *pmd(java)]
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
