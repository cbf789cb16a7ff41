"""A day of an agent, from the first search to the last merge, by a user of each language.

The Japanese agent's day is part of every run; the English one's, which goes the same way, is for long runs.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

import pytest
from playwright.async_api import expect
from tests.journeys.conftest import Demo, Street, unknown_number
from tests.journeys.console import Dialog, NewDialog, RecordPage, Shell
from tests.journeys.desk import Desk
from tests.journeys.test_records import known_by_number


@dataclass(frozen=True)
class Labels:
    """What the org calls things in a language, and the order of its names."""

    contact: str
    contacts: str
    lead: str
    first_name: str
    last_name: str
    phone: str
    mobile: str
    title: str
    company: str
    comments: str
    account_name: str
    family_first: bool

    def name(self, first: str, last: str) -> str:
        """A person's name as pages write it."""
        return f"{last} {first}" if self.family_first else f"{first} {last}"


LABELS = {
    "en": Labels(
        "Contact", "Contacts", "Lead", "First Name", "Last Name", "Phone", "Mobile", "Title", "Company",
        "Comments", "Account Name", family_first=False,
    ),
    "ja": Labels(
        "取引先責任者", "取引先責任者", "リード", "名", "姓", "電話", "携帯", "役職", "会社名", "コメント", "取引先名",
        family_first=True,
    ),
}  # fmt: skip


class Day:
    """One agent's work, in the words of the agent's language."""

    def __init__(self, demo: Demo, desk: Desk, street: Street) -> None:
        self.demo = demo
        self.desk = desk
        self.street = street
        self.page = desk.page
        self.say = desk.console_says
        self.labels = LABELS[desk.who.language]
        self.shell = Shell(desk.page, self.say)
        self.record = RecordPage(desk.page, self.say)

    async def opens_five_tabs(self) -> list[str]:
        """Finds one person by the search and four more in the list; gives their names, each in a tab of its own."""
        await self.shell.close_tabs()
        first = self.labels.name("Olivia", "Martin")
        await self.shell.search("Martin", pick=first)
        await self.record.shows(first)
        contacts = await self.shell.open_item(self.labels.contacts)
        listed = await contacts.main.locator("tbody").get_by_role("rowheader").all_inner_texts()
        names = [first, *[name for name in dict.fromkeys(listed) if name != first][:4]]
        for name in names[1:]:
            await self.shell.open_item(self.labels.contacts)
            await contacts.open(name)
            await self.record.shows(name)
        for name in names:
            await self.shell.tab(name).click()
            await self.record.shows(name)
        await expect(self.shell.tabs.get_by_role("link")).to_have_count(5)
        return names

    async def edits(self, label: str, text: str) -> None:
        """Changes a field of the record in front."""
        await self.record.edit(label)
        await self.record.field(label).fill(text)
        await self.record.save()
        await expect(self.record.value(label)).to_have_text(text)

    async def makes(self, object_name: str, label: str, **values: str) -> None:
        """Fills in the form for a new record; `values` by the names of `Labels`."""
        form = NewDialog(self.page, self.say, label)
        await form.open(object_name, self.demo.console)
        await form.fill(**{getattr(self.labels, name): value for name, value in values.items()})
        await form.save()
        await self.page.wait_for_url(f"**/lightning/r/{object_name}/**")

    async def logs_a_call(self, text: str) -> None:
        """Writes down a call on the record in front."""
        await self.record.press("activity.call")
        await self.record.field(self.labels.comments).fill(text)
        await self.record.save()
        await expect(self.record.timeline().locator("li", has_text=text)).to_have_count(1)

    async def converts_a_lead(self, first: str, last: str, company: str) -> None:
        """Makes a lead and turns it into a customer, whose page is in front afterwards."""
        await self.makes("Lead", self.labels.lead, first_name=first, last_name=last, company=company)
        await self.record.shows(self.labels.name(first, last))
        await self.record.press("action.convert")
        dialog = Dialog(self.page, self.say, "convert.title")
        await dialog.press("action.convert")
        done = Dialog(self.page, self.say, "convert.done")
        await done.box.get_by_role("link", name=self.labels.name(first, last), exact=True).click()
        await self.record.shows(self.labels.name(first, last))
        assert "/lightning/r/Contact/" in self.page.url
        await expect(self.record.value(self.labels.account_name)).to_have_text(company)


async def test_a_day_of_the_japanese_agent(demo: Demo, street: Street, misaki: Desk) -> None:
    await _work(demo, misaki, street)


@pytest.mark.soak
async def test_a_day_of_the_english_agent(demo: Demo, street: Street, emma: Desk) -> None:
    await _work(demo, emma, street)


async def _work(demo: Demo, desk: Desk, street: Street) -> None:
    day, labels = Day(demo, desk, street), LABELS[desk.who.language]
    names = await day.opens_five_tabs()

    # An edit in one tab stays there while the others are looked at.
    title = f"Buyer {secrets.token_hex(2)}"
    await day.shell.tab(names[1]).click()
    await day.record.shows(names[1])
    await day.edits(labels.title, title)
    await day.shell.tab(names[3]).click()
    await day.record.shows(names[3])
    await day.shell.tab(names[1]).click()
    await expect(day.record.value(labels.title)).to_have_text(title)

    # A new person, who calls; the call is in the timeline, with what was noted, beside one written down by hand.
    dialled, written = unknown_number()
    surname, note = f"Day{secrets.token_hex(3)}", f"Asked about delivery {secrets.token_hex(3)}"
    await day.makes("Contact", labels.contact, first_name="Kim", last_name=surname, phone=written)
    kim, kimberly = labels.name("Kim", surname), labels.name("Kimberly", surname)
    await day.record.shows(kim)
    await day.logs_a_call(f"Called before {note}")
    await known_by_number(demo, surname, 1)
    await desk.go()
    await desk.become("ready")
    phone = await street.call(dialled)
    await desk.answer()
    await day.record.shows(kim)
    await desk.finish(notes=note)
    await phone.close()
    await expect(day.record.timeline().locator("li", has_text=note)).to_have_count(2, timeout=20_000)
    await desk.become("offline")

    company = f"Day Freight {secrets.token_hex(2)}"
    await day.converts_a_lead("Ada", f"Lead{secrets.token_hex(2)}", company)

    # Somebody made the person a second time: whoever calls is two, until they are merged.
    await day.makes("Contact", labels.contact, first_name="Kimberly", last_name=surname, mobile=dialled)
    await day.record.shows(kimberly)
    await known_by_number(demo, surname, 2)
    await desk.go()
    await desk.become("ready")
    phone = await street.call(dialled)
    card = desk.card("incoming")
    await card.get_by_role("button", name=kimberly).click()
    await day.record.shows(kimberly)
    await desk.answer()
    await day.record.choose("action.merge")
    dialog = Dialog(desk.page, day.say, "merge.title", label=labels.contacts)
    await expect(dialog.box.get_by_role("checkbox", name=kim)).to_be_checked()
    await dialog.press("merge.next")
    await expect(dialog.box.locator(".console-dial").first).to_be_visible()
    await dialog.press("action.merge")
    await dialog.gone()
    await day.record.shows(kimberly)
    await expect(day.record.value(labels.phone)).to_have_text(re.compile(re.escape(written)))
    await expect(day.record.timeline().locator("li", has_text=note)).to_have_count(2, timeout=20_000)
    await desk.finish()
    await phone.close()
    await known_by_number(demo, surname, 1)
