"""What somebody with little access meets in the console: their layout, their fields, their objects, never more."""

from __future__ import annotations

import re
import secrets

from playwright.async_api import expect
from tests.integration.crm.browser import Browser
from tests.journeys.conftest import Demo, Street, unknown_number
from tests.journeys.console import RecordPage, Shell
from tests.journeys.desk import ADMIN, PASSWORD, sign_in_to_crm
from tests.journeys.org import NS, deploy
from tests.journeys.words import words

_RIGHTS = (
    "<allowCreate>false</allowCreate><allowDelete>false</allowDelete><allowEdit>true</allowEdit>"
    "<allowRead>true</allowRead><modifyAllRecords>false</modifyAllRecords>"
)
PROFILE = (
    f'<?xml version="1.0"?><Profile {NS}><custom>true</custom>'
    "<fieldPermissions><editable>false</editable><field>Contact.Email</field><readable>true</readable></fieldPermissions>"
    "<fieldPermissions><editable>true</editable><field>Contact.Title</field><readable>true</readable></fieldPermissions>"
    "<layoutAssignments><layout>Contact-Front Desk</layout></layoutAssignments>"
    f"<objectPermissions>{_RIGHTS}<object>Contact</object><viewAllRecords>true</viewAllRecords></objectPermissions>"
    "</Profile>"
)
_ITEM = "<layoutItems><behavior>{}</behavior><field>{}</field></layoutItems>"
LAYOUT = (
    f'<?xml version="1.0"?><Layout {NS}><layoutSections><customLabel>true</customLabel><label>At the desk</label>'
    f"<layoutColumns>{_ITEM.format('Required', 'Name')}{_ITEM.format('Required', 'Title')}</layoutColumns>"
    f"<layoutColumns>{_ITEM.format('Edit', 'Email')}{_ITEM.format('Edit', 'Phone')}</layoutColumns>"
    "<style>TwoColumnsTopToBottom</style></layoutSections></Layout>"
)


async def test_who_sees_little_sees_it_everywhere_and_nothing_else(demo: Demo, street: Street) -> None:
    files = {"layouts/Contact-Front Desk.layout": LAYOUT, "profiles/Front Desk.profile": PROFILE}
    await deploy(demo, files, Layout="Contact-Front Desk", Profile="Front Desk")
    username = f"desk-{secrets.token_hex(3)}@journey.example"
    surname = f"Discreet{secrets.token_hex(3)}"
    admin = Browser(demo.base + 1)
    await admin.open_console(ADMIN.email, PASSWORD)
    user = {"username": username, "last_name": "Desk", "password": PASSWORD, "profile": "Front Desk"}
    assert (await admin.api("POST", "setup/users", json=user)).status_code == 201
    dialled, written = unknown_number()
    fields = {"LastName": surname, "Phone": dialled, "Email": f"{surname.lower()}@journey.example"}
    made = await admin.api(
        "POST", "record", json={"object": "Contact", "fields": fields | {"Title": "Guest"}}
    )
    case = await admin.api("POST", "record", json={"object": "Case", "fields": {"Subject": surname}})
    await admin.close()
    contact = made.json()["id"]

    context = await street.computer.browser.new_context()
    page = await context.new_page()
    await page.goto(demo.console)
    await sign_in_to_crm(page, username)
    say = words("console", "en")
    shell = Shell(page, say)
    await page.goto(f"{demo.console}/lightning/o/Contact/list?filterName=all")
    contacts = await shell.list_page("Contacts")
    await contacts.find(surname)
    await expect(contacts.row(surname)).to_have_count(1)
    await expect(contacts.main.get_by_role("columnheader", name="Phone")).to_have_count(0)
    await expect(contacts.main.get_by_role("columnheader", name="Email")).to_have_count(1)
    await expect(contacts.main.get_by_role("button", name=say("list.new"), exact=True)).to_have_count(0)
    await contacts.find(re.sub(r"\D", "", written))
    await expect(contacts.row(surname)).to_have_count(0)

    await page.goto(f"{demo.console}/lightning/r/Contact/{contact}/view")
    record = RecordPage(page, say)
    await record.shows(surname)
    await expect(record.main.get_by_role("heading", name="At the desk")).to_be_visible()
    await expect(record.value("Email")).to_contain_text("journey.example")
    await expect(record.main.get_by_text(written[-4:])).to_have_count(0)
    await expect(
        record.main.get_by_role("button", name=say("record.edit.field", label="Email"))
    ).to_have_count(0)
    await record.edit("Title")
    await expect(record.field("Email")).to_have_count(0)
    await record.field("Title").fill("")
    await record.save()
    await expect(record.main.get_by_text(say("problem.REQUIRED_FIELD_MISSING"))).to_be_visible()
    await record.field("Title").fill("Known guest")
    await record.save()
    await expect(record.value("Title")).to_have_text("Known guest")

    # What the profile does not open is not there: neither its page, nor its list, nor a tab that leads to it.
    await page.goto(f"{demo.console}/lightning/r/Case/{case.json()['id']}/view")
    await expect(page.get_by_role("heading", name=say("record.missing"))).to_be_visible()
    await shell.open_item("Contacts")
    await expect(shell.tab(say("tab.missing"))).to_have_count(0)
    await page.get_by_role("button", name=say("nav.show"), exact=True).click()
    await expect(page.get_by_role("menuitem", name="Contacts", exact=True)).to_be_visible()
    await expect(page.get_by_role("menuitem", name="Cases", exact=True)).to_have_count(0)
    await context.close()
