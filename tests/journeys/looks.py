"""Looking at a page: a picture of it, and what anybody would complain about at first sight."""

from __future__ import annotations

import os
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


# -- sizes and focus ---

SIZES: dict[str, tuple[int, int]] = {
    "1280": (1280, 860),
    "1920": (1920, 1000),
    "200 %": (640, 430),
}
"""Windows in CSS pixels; 200 % is a window of 1280 x 860 in which everything is drawn twice as large."""
KEPT = os.environ.get("JOURNEYS_SIZES", "").split(",")
"""The sizes of which pictures are kept, for looking at: `JOURNEYS_SIZES="1920,200 %"`."""
_MEASURE = """() => {
  const wrong = [];
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth)
    wrong.push(`${root.scrollWidth - root.clientWidth} pixels wider than the window`);
  const shown = (element) => {
    const box = element.getBoundingClientRect();
    const drawn = element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true });
    return drawn && box.width > 1 && box.height > 1 ? box : null;
  };
  const name = (element) =>
    (element.getAttribute('aria-label') || element.textContent || element.tagName).trim().slice(0, 60);
  const wanted = 'a[href], button, input, select, textarea, [role=tab], [role=menuitem]';
  for (const element of document.querySelectorAll(wanted)) {
    const box = shown(element);
    if (box === null || element.disabled) continue;
    if (element.closest('[aria-hidden=true], .slds-assistive-text, [inert]')) continue;
    // What lies behind a dialog is covered on purpose, what is scrolled away is not on the screen.
    const layers = document.querySelectorAll('.slds-modal, [role=dialog][aria-modal=true]');
    if (layers.length && ![...layers].some((layer) => layer.contains(element))) continue;
    const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
    let cut = x < 0 || y < 0 || x >= innerWidth || y >= innerHeight;
    for (let up = element.parentElement; up && !cut; up = up.parentElement) {
      if (!/auto|scroll|hidden|clip/.test(getComputedStyle(up).overflow)) continue;
      const frame = up.getBoundingClientRect();
      cut = x < frame.left || x > frame.right || y < frame.top || y > frame.bottom;
    }
    if (cut) continue;
    const top = document.elementFromPoint(x, y);
    // What somebody opened lies over the page until it is closed.
    const opened = top?.closest('[role=menu], [role=listbox], [role=dialog], .slds-dropdown');
    if (opened && !opened.contains(element)) continue;
    // A bar that sticks to an edge covers what can be scrolled out from under it.
    let bar = top;
    while (bar && getComputedStyle(bar).position !== 'sticky') bar = bar.parentElement;
    if (bar && !bar.contains(element)) continue;
    const label = element.labels?.[0];
    if (top && !element.contains(top) && !top.contains(element) && !(label && label.contains(top)))
      wrong.push(`${name(element)} is covered by ${name(top)} (${top.className})`);
  }
  return wrong;
}"""
_DRAWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
_FOCUSED = """() => {
  const element = document.activeElement;
  if (!element || element === document.body) return null;
  const text = element.getAttribute('aria-label') || element.textContent || element.className || element.tagName;
  const box = element.getBoundingClientRect();
  const at = { name: text.trim().slice(0, 60), key: `${text.slice(0, 60)} ${box.left} ${box.top}` };
  if (element.tagName === 'IFRAME') return { ...at, seen: true, hidden: false };
  // Some controls hand their ring to what is drawn around or beside them: a field's box, a checkbox's switch.
  const drawn = [element, element.parentElement, element.parentElement?.parentElement, element.nextElementSibling,
    element.nextElementSibling?.firstElementChild].filter(Boolean);
  const looks = () => drawn.flatMap((each) => [null, '::before', '::after'].map((pseudo) => {
    const style = getComputedStyle(each, pseudo);
    const ring = style.outlineStyle === 'none' ? '' : `${style.outlineWidth} ${style.outlineColor}`;
    return `${ring} ${style.boxShadow} ${style.borderColor}`;
  })).join();
  const top = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
  const label = element.labels?.[0];
  at.hidden = !!top && !element.contains(top) && !top.contains(element) && !(label && label.contains(top));
  const focused = looks();
  element.blur();
  const without = looks();
  element.focus({ preventScroll: true });
  return { ...at, seen: focused !== without };
}"""


async def fits(page: Page, name: str) -> list[str]:
    """What does not fit into a window of each size, or lies over something one wants to click; in words."""
    wrong: list[str] = []
    for size, (width, height) in SIZES.items():
        await page.set_viewport_size({"width": width, "height": height})
        await page.evaluate(_DRAWN)
        if size in KEPT:
            await shot(page, f"sizes/{name}-{width}")
        wrong += [f"{name} at {size}: {each}" for each in await page.evaluate(_MEASURE)]
    width, height = SIZES["1280"]
    await page.set_viewport_size({"width": width, "height": height})
    return wrong


async def focus_shows(page: Page, name: str, *, steps: int = 40) -> list[str]:
    """Walks through the page by the Tab key; gives what has no visible focus, and whether the walk got stuck."""
    wrong: list[str] = []
    visited: set[str] = set()
    for _ in range(steps):
        await page.keyboard.press("Tab")
        at = await page.evaluate(_FOCUSED)
        if at is None:
            continue
        if not at["seen"]:
            wrong.append(f"{name}: no visible focus on {at['name']}")
        if at["hidden"]:
            wrong.append(f"{name}: something lies over {at['name']}, which has the focus")
        visited.add(at["key"])
    if len(visited) < min(steps, 5):
        wrong.append(f"{name}: the Tab key reaches {len(visited)} places only")
    return wrong
