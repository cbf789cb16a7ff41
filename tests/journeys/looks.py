"""Looking at a page: a picture of it, and what anybody would complain about at first sight."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from playwright.async_api import Frame, Page
from tests.journeys.conftest import shot
from tests.journeys.desk import CALLBAR

_AXE = Path(__file__).resolve().parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
_KEY = re.compile(r"^[a-z_]+\.[a-z_.]+$")
# Our own frames are looked at one by one. `evaluate` runs outside the page's content security policy.
_RUN = """async () => (await axe.run(document, {
  iframes: false, resultTypes: ['violations'],
  runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'],
})).violations.filter((each) => ['serious', 'critical'].includes(each.impact))
  .map((each) => `${each.id}: ${each.nodes.map((node) => node.html.slice(0, 160)).join(' | ')}`)"""
_READ = """() => {
  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const parent = walker.currentNode.parentElement;
    if (parent && !['SCRIPT', 'STYLE'].includes(parent.tagName)) texts.push(walker.currentNode.data.trim());
  }
  for (const element of document.querySelectorAll('[aria-label],[title],[placeholder]'))
    for (const name of ['aria-label', 'title', 'placeholder'])
      if (element.hasAttribute(name)) texts.push(element.getAttribute(name).trim());
  const root = document.documentElement;
  return { texts: texts.filter(Boolean), title: document.title, lang: root.lang,
           overflow: root.scrollWidth - root.clientWidth };
}"""


@cache
def _axe() -> str:
    return _AXE.read_text("utf-8")


async def look(page: Page, name: str, language: str) -> list[str]:
    """Keep a picture as `<language>/<name>`; gives what is wrong with the page and its callbar, in words."""
    await shot(page, f"{language}/{name}")
    wrong = [f"{name}: {each}" for each in await _complaints(page, language)]
    for frame in page.frames:
        if CALLBAR in frame.url and await (await frame.frame_element()).is_visible():
            wrong += [f"{name}, callbar: {each}" for each in await _complaints(frame, language)]
    return wrong


async def _complaints(where: Page | Frame, language: str) -> list[str]:
    await where.evaluate(_axe())
    wrong: list[str] = list(await where.evaluate(_RUN))
    seen: dict[str, Any] = await where.evaluate(_READ)
    if seen["overflow"] > 0:
        wrong.append(f"{seen['overflow']} pixels wider than the window")
    if seen["lang"] != language:
        wrong.append(f"lang is {seen['lang']!r}")
    if not seen["title"]:
        wrong.append("no title")
    wrong += [f"untranslated: {text}" for text in seen["texts"] if _KEY.match(text)]
    return wrong
