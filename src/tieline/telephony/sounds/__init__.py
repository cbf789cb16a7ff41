"""The media a switch can play, by name.

`music/...` and `tone/...` are composed by our own code; `greeting/...` and `notice/...` are spoken files beside
this module, one for each language. A test tone of any pitch is `tone/<hertz>`. Every medium is 48 kHz mono, 16 bit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from tieline.telephony.switch import SwitchError

SPOKEN_LANGUAGES = ("en", "ja")
NOTICES = ("busy", "please-wait", "sorry")
"""All lines are busy; somebody will be with you; the connection to the agent was lost, stay on the line."""
RECORDED = frozenset(
    name
    for language in SPOKEN_LANGUAGES
    for name in (f"greeting/{language}", *(f"notice/{notice}-{language}" for notice in NOTICES))
)
COMPOSED = frozenset({"music/calm", "tone/ringback", "tone/busy", "tone/beep"})
_TEST_TONE = re.compile(r"tone/([1-9]\d{1,4})")
_TEST_TONE_MAX_HZ = 20_000


def tone_hz(name: str) -> int | None:
    """The pitch of a test tone, None if `name` is none."""
    found = _TEST_TONE.fullmatch(name)
    if found is None or int(found[1]) > _TEST_TONE_MAX_HZ:
        return None
    return int(found[1])


def check_media_names(names: Iterable[str]) -> None:
    """Raise `media_not_found` unless every name is one that a switch can play."""
    for name in names:
        if name not in RECORDED and name not in COMPOSED and tone_hz(name) is None:
            raise SwitchError("media_not_found", f"There is no medium {name!r}.", retryable=False)
