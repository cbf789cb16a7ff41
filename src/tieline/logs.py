"""Logs: one JSON object a line in production, readable lines on a terminal; never a token, never a full number."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_NUMBER = re.compile(r"\+?\d[\d\s().-]{6,}\d")


def mask_numbers(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Keep only the last four digits of anything in an event that looks like a telephone number."""
    for key, value in event.items():
        if isinstance(value, str) and key not in ("timestamp", "exception", "request_id"):
            event[key] = _NUMBER.sub(lambda m: "…" + re.sub(r"\D", "", m[0])[-4:], value)
    return event


def configure(level: str = "info") -> None:
    """Set up logging for this process; goes to standard error."""
    number = logging.getLevelNamesMapping()[level.upper()]
    terminal = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            mask_numbers,
            structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.basicConfig(level=max(number, logging.WARNING), format="%(levelname)s %(name)s %(message)s")
