"""An agent's desk: the CRM in a browser with the callbar in it, used by clicking what is written there."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from playwright.async_api import Error, Frame, Locator, Page, expect
from tests.journeys.computer import Computer, until
from tests.journeys.words import Words, words

from tieline.agents.presence import MISSED_CALL
from tieline.agents.reasons import DEFAULTS

if TYPE_CHECKING:
    from tests.journeys.conftest import Demo

PASSWORD = "tieline-demo"
CALLBAR = "/cci/multi/callbar-cti"


@dataclass(frozen=True)
class Person:
    """Somebody of the demo who signs in; the same in the CRM and in the contact center."""

    email: str
    name: str
    language: str


ADMIN = Person("admin@acme.example", "Alex Admin", "en")
MISAKI = Person("agent1@acme.example", "高橋 美咲", "ja")
EMMA = Person("agent2@acme.example", "Emma Clark", "en")


async def sign_in_to_crm(page: Page, email: str, password: str = PASSWORD) -> None:
    """Sign in on the org's page as a person does."""
    await page.fill("input[name=username]", email)
    await page.fill("input[name=password]", password)
    await page.click("button[type=submit]")
    await page.wait_for_url("**/lightning/**")


async def sign_in_to_portal(page: Page, email: str, password: str = PASSWORD) -> None:
    """Fill in the contact center's sign-in form, in the portal or in the callbar's pop-up."""
    await page.locator("input[type=email]").fill(email)
    await page.locator("input[type=password]").fill(password)
    await page.locator("button[type=submit]").click()


class Desk:
    """One agent at one computer. `page` is the console, `callbar` the frame in it."""

    def __init__(self, demo: Demo, computer: Computer, who: Person) -> None:
        self.demo = demo
        self.computer = computer
        self.who = who
        self.say: Words = words("callbar", who.language)
        self.console_says: Words = words("console", who.language)
        self.page: Page

    @property
    def callbar(self) -> Frame:
        """The callbar's frame as it is now; a reload of the page makes a new one."""
        return next(frame for frame in self.page.frames if CALLBAR in frame.url)

    async def callbar_shown(self) -> Frame:
        """The callbar's frame, once it is in the page."""

        async def there() -> bool:
            return any(CALLBAR in frame.url for frame in self.page.frames)

        await until(there, "the callbar's frame")
        return self.callbar

    async def sit_down(self) -> None:
        """Open the CRM, sign in to it and, in the pop-up, to the callbar."""
        self.page = await self.computer.open(self.demo.my)
        await sign_in_to_crm(self.page, self.who.email)
        await self.open_phone()
        await self.sign_in()

    async def open_phone(self) -> None:
        """Open the utility bar's panel, where it is not open."""
        item = self.page.locator(".console-utility__item")
        await item.wait_for()
        if await item.get_attribute("aria-expanded") != "true":
            await item.click()
        await self.callbar_shown()

    async def sign_in(self) -> None:
        """Sign in to the callbar by its pop-up, which asks for nothing where the portal is signed in to."""
        popup = await self.sign_in_window()
        try:
            await sign_in_to_portal(popup, self.who.email)
        except Error:
            if not popup.is_closed():
                raise
        await self.callbar.locator(".cb-status").wait_for()

    async def sign_in_window(self) -> Page:
        """Click *Sign in*; gives the window that opens."""
        async with self.computer.context.expect_page() as opening:
            await self.callbar.get_by_role("button", name=self.say("sign_in.button")).click()
        return await opening.value

    async def go(self, path: str = "/lightning/page/home") -> None:
        """Load a page of the console anew, with the phone open and signed in."""
        await self.page.goto(f"{self.demo.console}{path}")
        await self.open_phone()
        button = self.callbar.get_by_role("button", name=self.say("sign_in.button"))
        await self.callbar.locator(".cb-status").or_(button).wait_for()
        if await button.count():  # a journey about signing in ended in the middle
            await self.sign_in()
        await self.use_here()

    async def use_here(self) -> None:
        """Take the phone over where another computer of this agent still holds it."""
        here = self.callbar.get_by_role("button", name=self.say("mirror.use_here"))
        if await here.count():
            # The other one may leave it at this very moment; then it has come here by itself.
            with contextlib.suppress(Error):
                await here.click(timeout=3_000)
            await expect(here).to_have_count(0)

    async def sign_out(self) -> None:
        """Sign out of the callbar by its user menu."""
        await self.callbar.locator(".cb-user").click()
        await self.callbar.get_by_role("menuitem", name=self.say("user.sign_out"), exact=True).click()
        await self.callbar.get_by_role("button", name=self.say("sign_in.button")).wait_for()

    async def sign_out_of_portal(self) -> None:
        """Sign out of the contact center's own pages, which the sign-in window would otherwise go by."""
        portal = await self.computer.open(f"{self.demo.contact_center}/portal/engagements")
        says = words("admin", self.who.language)
        await portal.locator(".ad-header__user").click()
        await portal.get_by_role("menuitem", name=says("user.sign_out"), exact=True).click()
        await portal.locator("input[type=email]").wait_for()
        await portal.close()

    # -- status ---

    @property
    def state(self) -> Locator:
        """What the callbar says the agent is doing."""
        return self.callbar.locator(".cb-status__state")

    def reason_word(self, code: str) -> str:
        """A reason's name: the words of the contact center itself, or those every account begins with."""
        if code == MISSED_CALL:
            return self.say(f"reason.{code}")
        return next(reason.name(self.who.language) for reason in DEFAULTS if reason.code == code)

    async def become(self, status: str, reason: str | None = None) -> None:
        """Choose `ready`, `offline`, or `not_ready` with a reason, and see it shown: nobody waits who would ring."""
        await self.choose(status, reason)
        await self.sees(status, reason)

    async def choose(self, status: str, reason: str | None = None) -> None:
        """Choose `ready`, `offline`, or `not_ready` with a reason; a call may ring at once."""
        say = self.say
        label = say(f"presence.{status}")
        if reason is not None:
            label = say("status.not_ready_because", reason=self.reason_word(reason))
        await self.callbar.locator(".cb-status__button").click()
        await self.callbar.get_by_role("menuitem", name=label, exact=True).click()

    async def sees(self, presence: str, reason: str | None = None, *, seconds: float = 15) -> None:
        """Wait until the callbar shows a presence."""
        text = self.say(f"presence.{presence}")
        if reason is not None:
            text += self.say("status.reason", reason=self.reason_word(reason))
        await expect(self.state).to_have_text(text, timeout=seconds * 1000)

    # -- engagements ---

    def card(self, kind: str) -> Locator:
        """The card of an engagement: `incoming`, `talking`, `held` or `wrap_up`."""
        return self.callbar.get_by_role("region", name=self.say(f"card.{kind}"))

    async def press(self, action: str) -> None:
        """Click a button of the card: `answer`, `decline`, `mute`, `hold`, `hang_up`, `done`..."""
        await self.callbar.get_by_role("button", name=self.say(f"action.{action}"), exact=True).click()

    async def answer(self) -> None:
        """Take the call that rings, and wait until it is connected."""
        await self.card("incoming").wait_for()
        await self.press("answer")
        await self.card("talking").wait_for()

    async def finish(
        self, *, notes: str | None = None, disposition: str | None = None, caller_left: bool = False
    ) -> None:
        """Hang up, fill in the wrap-up and close it; with `caller_left` there is nothing to hang up."""
        if not caller_left:
            await self.press("hang_up")
        wrap_up = self.card("wrap_up")
        await wrap_up.wait_for()
        if notes is not None:
            await wrap_up.get_by_label(self.say("write.notes")).fill(notes)
        if disposition is not None:
            await wrap_up.get_by_label(self.say("write.disposition")).select_option(label=disposition)
        await self.press("done")
        await expect(wrap_up).to_have_count(0)

    async def dial(self, typed: str, *, shown: str, rings: bool = True) -> None:
        """Call a number, typed or pasted into the keypad, that is `shown` as it will be dialled, until it `rings`."""
        await self.callbar.get_by_role("button", name=self.say("dial.open")).click()
        await self.callbar.get_by_label(self.say("dial.number"), exact=True).fill(typed)
        await expect(self.callbar.locator(".cb-dial__preview")).to_contain_text(shown)
        await self.callbar.get_by_role("button", name=self.say("dial.call"), exact=True).click()
        if rings:
            await self.card("dialing").wait_for()

    # -- the page around ---

    def timeline(self) -> Locator:
        """The activity timeline of the record that is shown."""
        return self.page.get_by_role("article", name=self.console_says("timeline.title"))

    async def shows_record(self, name: str, *, object_type: str = "Contact") -> None:
        """Wait until the record's page is what the console shows."""
        await expect(self.page.get_by_role("heading", name=name, level=1)).to_be_visible()
        assert f"/lightning/r/{object_type}/" in self.page.url, self.page.url

    async def tidy(self) -> None:
        """After a journey: nothing in hand, nothing open, offline."""
        if self.page.is_closed():
            self.page = await self.computer.open(f"{self.demo.console}/lightning/page/home")
        for other in self.computer.context.pages:
            if other is not self.page:
                await other.close()
        if not any(CALLBAR in frame.url for frame in self.page.frames):
            return
        if not await self.callbar.locator(".cb-status").count():
            return
        await self.open_phone()
        await self.use_here()
        # The caller may leave at any moment, and take the button away that is about to be clicked.
        async with asyncio.timeout(30):
            while await self.callbar.locator(".cb-card").count():
                for action in ("decline", "hang_up", "done"):
                    button = self.callbar.get_by_role("button", name=self.say(f"action.{action}"), exact=True)
                    if await button.count():
                        with contextlib.suppress(Error):
                            await button.click(timeout=500)
        if await self.state.inner_text() != self.say("presence.offline"):
            await self.become("offline")
