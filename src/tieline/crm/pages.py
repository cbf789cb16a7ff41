"""The few pages the server writes itself: sign-in, consent, and refusals.

Words come from `login.{en,ja}.json`. Every page carries a content security policy that lets nobody frame it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

from starlette.responses import HTMLResponse, Response

STYLE_PATH = "/crm/login.css"
STYLE = Path(__file__).with_name("static") / "login.css"
_MARK = (
    '<svg viewBox="0 0 40 40" aria-hidden="true"><rect width="40" height="40" rx="8" fill="#0b5cab"/>'
    '<path d="M8 25c5-11 8-11 12 0s7 0 12-9" fill="none" stroke="#fff" stroke-width="3.4" '
    'stroke-linecap="round"/></svg>'
)


class Words:
    """The catalogues, by language."""

    def __init__(self, folder: Path):
        self._folder = folder

    @cache  # noqa: B019 - one instance per application, two languages
    def _catalogue(self, language: str) -> dict[str, str]:
        return json.loads((self._folder / f"login.{language}.json").read_text("utf-8"))

    def say(self, language: str, key: str, **values: str) -> str:
        """The sentence for `key`, not escaped."""
        text = self._catalogue(language).get(key, key)
        for name, value in values.items():
            text = text.replace(f"{{{name}}}", value)
        return text

    def knows(self, language: str, key: str) -> bool:
        """True where the catalogue has the key."""
        return key in self._catalogue(language)


def browser_language(accept: str) -> str:
    """`ja` or `en` by the browser's preferences."""
    best, language = -1.0, "en"
    for part in accept.split(",")[:20]:
        name, _, weight = part.strip().partition(";q=")
        try:
            quality = float(weight) if weight else 1.0
        except ValueError:
            quality = 0.0
        code = name.strip().lower()[:2]
        if code in ("ja", "en") and quality > best:
            best, language = quality, code
    return language


def origin_of(url: str) -> str:
    """`scheme://host:port` of a URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def policy(*form_targets: str) -> str:
    """The policy of a server-written page. Chromium follows redirects of a form with it, hence the targets."""
    targets = " ".join(("'self'", *form_targets))
    return (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; "
        f"form-action {targets}; frame-ancestors 'none'"
    )


PAGE_HEADERS: Mapping[str, str] = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Vary": "Accept-Language, Cookie",
}


def page(
    language: str, title: str, body: str, *, status: int = 200, targets: Sequence[str] = (), footer: str = ""
) -> Response:
    """A whole page; `body` is HTML already."""
    text = (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)}</title><link rel="icon" href="/slds/favicon.svg">'
        f'<link rel="stylesheet" href="{STYLE_PATH}"></head>'
        f'<body><main><div class="mark">{_MARK}<span>CRM</span></div><div class="box">{body}</div>'
        f"<footer>{escape(footer)}</footer></main></body></html>"
    )
    headers = dict(PAGE_HEADERS) | {"Content-Security-Policy": policy(*targets)}
    return HTMLResponse(text, status, headers=headers)


def sign_in_page(
    words: Words,
    language: str,
    *,
    org_label: str,
    start_url: str,
    csrf: str,
    username: str = "",
    error: str | None = None,
    status: int = 200,
    targets: Sequence[str] = (),
    minutes: int = 0,
) -> Response:
    """The sign-in form; `error` is a key of the catalogue."""
    message = ""
    if error:
        said = words.say(language, error, minutes=str(minutes))
        message = f'<p class="alert" role="alert">{escape(said)}</p>'
    say = words.say
    body = (
        f"<h1>{escape(say(language, 'heading', org=org_label))}</h1>{message}"
        '<form method="post" action="/login" novalidate>'
        f'<input type="hidden" name="csrf" value="{escape(csrf)}">'
        f'<input type="hidden" name="startURL" value="{escape(start_url)}">'
        f'<label for="username">{escape(say(language, "username"))}</label>'
        f'<input id="username" name="username" type="text" autocomplete="username" autocapitalize="none" '
        f'spellcheck="false" maxlength="80" value="{escape(username)}"{"" if username else " autofocus"}>'
        f'<label for="password">{escape(say(language, "password"))}</label>'
        f'<input id="password" name="password" type="password" autocomplete="current-password" '
        f'maxlength="200"{" autofocus" if username else ""}>'
        f'<button type="submit">{escape(say(language, "sign_in"))}</button></form>'
    )
    return page(language, say(language, "title"), body, status=status, targets=targets, footer=org_label)


def consent_page(
    words: Words,
    language: str,
    *,
    app: str,
    username: str,
    scopes: Sequence[str],
    action: str,
    hidden: Mapping[str, str],
    targets: Sequence[str],
    sign_out_url: str,
    note: str | None = None,
    code: str = "",
) -> Response:
    """Asks the user whether an application may have what it asks for; `note` is a sentence about the `code` shown."""
    say = words.say
    items = "".join(
        f"<li>{escape(say(language, key) if words.knows(language, key := f'scope_{scope}') else scope)}</li>"
        for scope in scopes
    )
    body = (
        f"<h1>{escape(say(language, 'consent_heading', app=app))}</h1>"
        f"<p>{escape(say(language, 'consent_intro', app=app))}</p><ul>{items}</ul>"
        f"{_noted(words, language, note, code)}"
        f"<p>{escape(say(language, 'consent_as', username=username))} "
        f'<a href="{escape(sign_out_url)}">{escape(say(language, "not_you"))}</a></p>'
        f'<form method="post" action="{action}">{_hidden(hidden)}'
        '<div class="pair">'
        f'<button class="neutral" name="decision" value="deny">{escape(say(language, "deny"))}</button>'
        f'<button name="decision" value="allow">{escape(say(language, "allow"))}</button></div></form>'
    )
    return page(language, say(language, "consent_title"), body, targets=targets)


def _hidden(values: Mapping[str, str]) -> str:
    return "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in values.items()
    )


def _noted(words: Words, language: str, note: str | None, code: str) -> str:
    return f'<p>{escape(words.say(language, note))}</p><p class="code">{escape(code)}</p>' if note else ""


def device_page(
    words: Words,
    language: str,
    *,
    action: str,
    csrf: str,
    user_code: str,
    error: str | None = None,
    status: int = 200,
    minutes: int = 0,
) -> Response:
    """Asks for the code that a device shows; `error` is a key of the catalogue."""
    say = words.say
    alert = ""
    if error:
        alert = f'<p class="alert" role="alert">{escape(say(language, error, minutes=str(minutes)))}</p>'
    body = (
        f"<h1>{escape(say(language, 'device_heading'))}</h1>{alert}"
        f"<p>{escape(say(language, 'device_intro'))}</p>"
        f'<form method="post" action="{action}" novalidate>{_hidden({"csrf": csrf})}'
        f'<label for="user_code">{escape(say(language, "device_code"))}</label>'
        f'<input id="user_code" name="user_code" class="code" type="text" autocomplete="off" autofocus '
        f'autocapitalize="characters" spellcheck="false" maxlength="20" value="{escape(user_code)}">'
        f'<button type="submit">{escape(say(language, "device_continue"))}</button></form>'
    )
    return page(language, say(language, "device_title"), body, status=status)


def device_done_page(words: Words, language: str, key: str, *, app: str) -> Response:
    """Says that a device was allowed or denied; the rest happens there."""
    heading = escape(words.say(language, f"{key}_heading"))
    body = f'<h1>{heading}</h1><p role="status">{escape(words.say(language, key, app=app))}</p>'
    return page(language, words.say(language, "device_title"), body)


def refusal_page(
    words: Words, language: str, key: str, *, status: int = 400, code: str = "", back: str | None = None
) -> Response:
    """Says what is wrong; goes nowhere by itself."""
    link = f'<p><a href="{escape(back)}">{escape(words.say(language, "back"))}</a></p>' if back else ""
    shown = f"<p><code>{escape(code)}</code></p>" if code else ""
    body = (
        f"<h1>{escape(words.say(language, 'error_title'))}</h1>"
        f'<p class="alert" role="alert">{escape(words.say(language, key))}</p>{shown}{link}'
    )
    return page(language, words.say(language, "error_title"), body, status=status)
