"""A small browser without pages: cookies per host, redirects across the org's origins, forms.

It reaches every `*.localhost` origin through one socket address, as programs do that cannot resolve such names.
"""

from __future__ import annotations

import html
import re
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx2


class Browser:
    """Keeps cookies as a browser would and speaks to the org's origins: over TLS where it trusts a certificate."""

    def __init__(
        self, port: int, *, language: str = "en", org: str = "acme", certificate: Path | None = None
    ):
        self.port = port
        self.scheme = "http" if certificate is None else "https"
        self.base = f"{self.scheme}://localhost:{port}"
        self.my = f"{self.scheme}://{org}.my.localhost:{port}"
        self.lightning = f"{self.scheme}://{org}.lightning.localhost:{port}"
        self.cookies: dict[str, dict[str, str]] = {}
        self.csrf = ""
        trusted = False if certificate is None else ssl.create_default_context(cafile=certificate)
        self.http = httpx2.AsyncClient(
            base_url=f"{self.scheme}://127.0.0.1:{port}", timeout=20, verify=trusted
        )
        self.http.headers["Accept-Language"] = language

    async def close(self) -> None:
        await self.http.aclose()

    async def send(self, method: str, url: str, **more: Any) -> httpx2.Response:
        """One request to an absolute URL, without following."""
        parts = urlsplit(url)
        jar = self.cookies.setdefault(parts.netloc, {})
        headers = {"Host": parts.netloc} | dict(more.pop("headers", {}))
        if jar:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in jar.items())
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        response = await self.http.request(
            method, f"{self.scheme}://127.0.0.1:{self.port}{path}", headers=headers, **more
        )
        for line in response.headers.get_list("set-cookie"):
            name, _, value = line.split(";")[0].partition("=")
            if "max-age=0" in line.lower():
                jar.pop(name, None)
            else:
                jar[name] = value
        return response

    async def follow(self, method: str, url: str, **more: Any) -> tuple[str, httpx2.Response]:
        """Follows redirects within the org; answers the last URL and its response."""
        for _ in range(12):
            response = await self.send(method, url, **more)
            if response.status_code not in (301, 302, 303, 307):
                return url, response
            url = urljoin(url, response.headers["location"])
            if not urlsplit(url).netloc.endswith(f"localhost:{self.port}"):
                return url, response
            method, more = "GET", {}
        raise AssertionError("too many redirects")

    async def sign_in(self, username: str, password: str, start: str = "/") -> httpx2.Response:
        """Fills the sign-in form; answers what the form's request answered."""
        response = await self.send("GET", f"{self.my}/login", params=None)
        form = hidden(response.text)
        form |= {"username": username, "password": password, "startURL": start}
        return await self.send(
            "POST",
            f"{self.my}/login",
            data=form,
            headers={"Origin": self.my, "Sec-Fetch-Site": "same-origin"},
        )

    async def open_console(self, username: str, password: str) -> dict[str, Any]:
        """Signs in and opens the console; answers its bootstrap."""
        response = await self.sign_in(username, password)
        assert response.status_code == 303, response.text
        await self.follow("GET", f"{self.lightning}/lightning/page/home")
        response = await self.api("GET", "bootstrap")
        assert response.status_code == 200, response.text
        self.csrf = response.json()["csrf_token"]
        return response.json()

    async def api(self, method: str, path: str, **more: Any) -> httpx2.Response:
        """A request of the console's JSON API."""
        headers = {"X-CSRF-Token": self.csrf, "Origin": self.lightning} | dict(more.pop("headers", {}))
        return await self.send(method, f"{self.lightning}/console/api/{path}", headers=headers, **more)


def hidden(text: str) -> dict[str, str]:
    """Hidden fields of a page's form."""
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', text)
    return {name: html.unescape(value) for name, value in found}
