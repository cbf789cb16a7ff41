"""Records as agents work on them: new, edited, converted, merged, deleted and brought back, by two people at once."""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import expect
from tests.journeys.computer import Computer, until
from tests.journeys.conftest import Demo, Street, pictured, unknown_number
from tests.journeys.console import Dialog, NewDialog, RecordPage
from tests.journeys.desk import ADMIN, Desk, sign_in_to_crm
from tests.journeys.org import NS, deploy

REFUSED = "the server responded with a status of 4"
"""What the browser writes to its console when the org refuses something."""


@pytest.fixture(scope="session")
async def admins_computer(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Computer]:
    async with Computer(tmp_path_factory.mktemp("admin")) as computer:
        page = await computer.open(demo.crm)
        await sign_in_to_crm(page, ADMIN.email)
        yield computer


async def new_contact(desk: Desk, **fields: str) -> str:
    """A contact made by the form; gives the path of its page."""
    form = NewDialog(desk.page, desk.console_says, "Contact")
    await form.open("Contact", desk.demo.console)
    await form.fill(**fields)
    await form.save()
    await desk.page.wait_for_url("**/lightning/r/Contact/**")
    return desk.page.url


async def known_by_number(demo: Demo, surname: str, count: int) -> None:
    """Wait until the contact center knows as many people of that name by a number."""
    async with demo.database() as conn:

        async def there() -> bool:
            return count == await conn.fetchval(
                "SELECT count(DISTINCT r.record_id) FROM indexed_record r JOIN phone_index p USING (record_id)"
                " WHERE r.name LIKE '%' || $1 AND p.field <> ''",
                surname,
            )

        await until(there, f"{count} people called {surname} in the index")


async def deploy_rule(demo: Demo, name: str, formula: str, message: str, field: str) -> None:
    """A validation rule of contacts, deployed by the administrator as tools do."""
    rule = (
        f'<?xml version="1.0"?><CustomObject {NS}><validationRules><fullName>{name}</fullName><active>true</active>'
        f"<errorConditionFormula>{formula}</errorConditionFormula><errorDisplayField>{field}</errorDisplayField>"
        f"<errorMessage>{message}</errorMessage></validationRules></CustomObject>"
    )
    await deploy(demo, {"objects/Contact.object": rule}, CustomObject="Contact")


@asynccontextmanager
async def watched_for_duplicates(demo: Demo, surname: str) -> AsyncGenerator[None]:
    """A rule that warns of contacts with that surname who are there twice, deployed for a while."""

    async def rule(active: bool) -> None:
        content = (
            f'<?xml version="1.0"?><DuplicateRule {NS}><actionOnInsert>Allow</actionOnInsert>'
            "<actionOnUpdate>Allow</actionOnUpdate><alertText>Is it one of these?</alertText><duplicateRuleFilter>"
            "<duplicateRuleFilterItems><field>LastName</field><operation>equals</operation><sortOrder>1</sortOrder>"
            f"<table>Contact</table><value>{surname}</value></duplicateRuleFilterItems></duplicateRuleFilter>"
            "<duplicateRuleMatchRules><matchRuleSObjectType>Contact</matchRuleSObjectType>"
            "<matchingRule>Standard_Contact_Match_Rule_v1_1</matchingRule></duplicateRuleMatchRules>"
            f"<isActive>{str(active).lower()}</isActive><masterLabel>Twice</masterLabel>"
            "<operationsOnInsert>Alert</operationsOnInsert><securityOption>EnforceSharingRules</securityOption>"
            "<sortOrder>2</sortOrder></DuplicateRule>"
        )
        await deploy(
            demo, {"duplicateRules/Contact.Twice.duplicateRule": content}, DuplicateRule="Contact.Twice"
        )

    await rule(active=True)
    try:
        yield
    finally:
        await rule(active=False)


async def test_a_validation_rule_is_told_beside_its_field(demo: Demo, emma: Desk) -> None:
    await deploy_rule(demo, "Interns_have_a_department", "AND(Title = 'Intern', ISBLANK(Department))",
                      "An intern needs a department.", "Department")  # fmt: skip
    await new_contact(emma, First_Name="Rule", Last_Name=f"Ruled {secrets.token_hex(2)}")
    emma.computer.expected = REFUSED
    record = RecordPage(emma.page, emma.console_says)
    await record.edit("Title")
    await expect(record.field("Title")).to_be_focused()
    await record.field("Title").fill("Intern")
    await record.save()
    message = record.main.locator(".slds-form-element.slds-has-error", has_text="Department")
    await expect(message).to_contain_text("An intern needs a department.")
    await expect(record.field("Department")).to_be_focused()
    await record.field("Department").fill("Sales")
    await record.save()
    await expect(record.value("Department")).to_have_text("Sales")
    await expect(record.value("Title")).to_have_text("Intern")


async def test_two_editors_are_told_and_choose(demo: Demo, emma: Desk, admins_computer: Computer) -> None:
    surname = f"Shared {secrets.token_hex(2)}"
    url = await new_contact(emma, First_Name="Sam", Last_Name=surname)
    mine = RecordPage(emma.page, emma.console_says)
    await mine.edit("Title")
    await mine.field("Title").fill("Mine")
    await mine.field("Department").fill("Only mine")

    page = await admins_computer.open(url)
    async with pictured(admins_computer, "admin"):
        theirs = RecordPage(page, emma.console_says)
        await theirs.shows(f"Sam {surname}")
        await theirs.edit("Title")
        await theirs.field("Title").fill("Theirs")
        await theirs.field("Phone").fill("+1 415 555 0100")
        await theirs.save()
        await expect(theirs.value("Title")).to_have_text("Theirs")

        # Told at once, and nothing typed is lost.
        await expect(mine.main.get_by_text(re.compile(r"changed this record at .*Title"))).to_be_visible()
        await expect(mine.field("Title")).to_have_value("Mine")
        await expect(mine.field("Phone")).to_have_value("+1 415 555 0100")
        await mine.save()
        await expect(mine.main.get_by_text(mine.say("conflict.choose"))).to_be_visible()
        await expect(theirs.value("Title")).to_have_text("Theirs")
        await mine.press("conflict.keep")
        await mine.save()
        await expect(mine.value("Title")).to_have_text("Mine")
        await expect(theirs.value("Title")).to_have_text("Mine")
        await expect(theirs.value("Department")).to_have_text("Only mine")
        await expect(mine.value("Phone")).to_have_text("+1 415 555 0100")
        await page.close()


async def test_two_contacts_with_one_number_become_one(demo: Demo, emma: Desk, street: Street) -> None:
    dialled, written = unknown_number()
    surname = f"Twice {written[-4:]}"
    await new_contact(emma, First_Name="Kim", Last_Name=surname, Phone=written, Title="Buyer")
    kept = await new_contact(emma, First_Name="Kimberly", Last_Name=surname, Mobile=dialled)
    await emma.go()
    await emma.become("ready")
    await known_by_number(demo, surname, 2)
    phone = await street.call(dialled)
    card = emma.card("incoming")
    await expect(card).to_contain_text("2 records have this number")
    await card.get_by_role("button", name=f"Kimberly {surname}").click()
    record = RecordPage(emma.page, emma.console_says)
    await record.shows(f"Kimberly {surname}")
    await emma.answer()

    await record.choose("action.merge")
    dialog = Dialog(emma.page, emma.console_says, "merge.title", label="Contacts")
    await expect(dialog.box.get_by_role("checkbox", name=f"Kim {surname}")).to_be_checked()
    await dialog.press("merge.next")
    row = dialog.box.get_by_role("row").filter(has_text="First Name")
    await row.get_by_text("Kim", exact=True).click()
    await dialog.press("action.merge")
    await dialog.gone()
    await record.shows(f"Kim {surname}")
    await expect(record.value("Title")).to_have_text("Buyer")
    await expect(record.value("Phone")).to_have_text(re.compile(re.escape(written)))
    await expect(record.value("Mobile")).to_have_text(re.compile(re.escape(dialled)))
    assert emma.page.url == kept
    await emma.finish()
    await phone.close()

    # Whoever calls from there now is one person.
    await emma.go()
    await emma.sees("ready")
    await known_by_number(demo, surname, 1)
    await street.call(dialled)
    await expect(emma.card("incoming")).to_contain_text(f"Kim {surname}")
    await record.shows(f"Kim {surname}")


async def test_a_duplicate_is_told_in_the_form_and_on_its_page(demo: Demo, emma: Desk) -> None:
    surname, number = f"Double {secrets.token_hex(2)}", unknown_number()[1]
    async with watched_for_duplicates(demo, surname):
        await new_contact(emma, First_Name="Ann", Last_Name=surname, Phone=number)
        form = NewDialog(emma.page, emma.console_says, "Contact")
        await form.open("Contact", emma.demo.console)
        await emma.callbar_shown()
        await form.fill(First_Name="Ann", Last_Name=surname, Phone=number, Title="Buyer")
        emma.computer.expected = REFUSED
        await form.save()
        await expect(form.form).to_contain_text("Is it one of these?")
        await expect(form.form.get_by_role("link", name=f"Ann {surname}")).to_be_visible()
        # Whoever has been found can be called from there.
        dial = form.form.get_by_role("button", name=form.say("phone.dial", number=number), exact=True)
        await expect(dial).to_be_visible()
        await form.form.get_by_role("button", name=form.say("dup.save"), exact=True).click()
        record = RecordPage(emma.page, emma.console_says)
        await record.shows(f"Ann {surname}")
        await expect(record.value("Title")).to_have_text("Buyer")
        await expect(
            record.main.get_by_text(record.say("dup.card_one", count=1, label="Contact"))
        ).to_be_visible()
        await record.press("dup.show")
        dialog = Dialog(emma.page, emma.console_says, "merge.title", label="Contacts")
        await expect(dialog.box.get_by_role("checkbox", name=f"Ann {surname}")).to_be_checked()
        await dialog.press("merge.next")
        await dialog.press("action.merge")
        await dialog.gone()
        await expect(
            record.main.get_by_text(record.say("dup.card_one", count=1, label="Contact"))
        ).to_have_count(0)
        await expect(record.value("Title")).to_have_text("Buyer")


async def test_a_lead_is_taken_along_its_path_and_converted(emma: Desk) -> None:
    company = f"Path Freight {secrets.token_hex(2)}"
    form = NewDialog(emma.page, emma.console_says, "Lead")
    await form.open("Lead", emma.demo.console)
    await form.fill(First_Name="Ada", Last_Name="Path", Company=company, Phone="+1 503 555 0142")
    await form.save()
    record = RecordPage(emma.page, emma.console_says)
    await record.shows("Ada Path")
    await record.go_on()
    await expect(record.step()).to_contain_text("Working - Contacted")

    # What was done about the lead goes along to the person it becomes.
    await record.press("activity.call")
    await record.field("Comments").fill(f"Wants an offer {company}")
    await record.save()
    entry = record.timeline().locator("li", has_text=f"Wants an offer {company}")
    await expect(entry).to_have_count(1)

    await record.press("action.convert")
    dialog = Dialog(emma.page, emma.console_says, "convert.title")
    await expect(dialog.box.get_by_label("Opportunity Name")).to_have_value(f"{company}-")
    await dialog.press("action.convert")
    done = Dialog(emma.page, emma.console_says, "convert.done")
    await expect(done.box.get_by_role("link")).to_have_text([company, "Ada Path", f"{company}-"])
    await done.box.get_by_role("link", name="Ada Path").click()
    await record.shows("Ada Path")
    assert "/lightning/r/Contact/" in emma.page.url
    await expect(record.value("Account Name")).to_have_text(company)
    await expect(record.timeline().locator("li", has_text=f"Wants an offer {company}")).to_have_count(1)
    await record.main.get_by_role("link", name=company).first.click()
    await record.shows(company)
    await record.open_related()
    await expect(record.related("Opportunities").get_by_role("link", name=f"{company}-")).to_be_visible()
    await expect(record.related("Contacts").get_by_role("link", name="Ada Path")).to_be_visible()


async def test_what_is_deleted_comes_back_at_once_or_from_the_bin(emma: Desk) -> None:
    surname = f"Gone {secrets.token_hex(2)}"
    url = await new_contact(emma, First_Name="Ed", Last_Name=surname)
    record = RecordPage(emma.page, emma.console_says)
    await record.choose("action.delete")
    dialog = Dialog(emma.page, emma.console_says, "delete.title", label="Contact", name=f"Ed {surname}")
    await dialog.press("action.delete")
    await record.toast(record.say("delete.done", label="Contact", name=f"Ed {surname}"))
    await emma.page.get_by_role("button", name=record.say("delete.undo"), exact=True).click()
    await record.shows(f"Ed {surname}")
    assert emma.page.url == url
    await record.choose("action.delete")
    await dialog.press("action.delete")
    await dialog.gone()
    await emma.page.goto(f"{emma.demo.console}/lightning/o/DeleteEvent/home")
    await emma.page.get_by_label(record.say("bin.type"), exact=True).select_option("Contact")
    await emma.page.get_by_role("checkbox", name=record.say("bin.mark", name=f"Ed {surname}")).check(
        force=True
    )
    await emma.page.get_by_role("button", name=record.say("bin.restore"), exact=True).click()
    await record.toast(record.say("bin.restored_one", count=1))
    await emma.page.goto(url)
    await record.shows(f"Ed {surname}")


async def test_tasks_and_related_records_are_made_where_they_belong(emma: Desk) -> None:
    name = f"Works {secrets.token_hex(2)}"
    form = NewDialog(emma.page, emma.console_says, "Account")
    await form.open("Account", emma.demo.console)
    await form.fill(Account_Name=name)
    await form.save()
    record = RecordPage(emma.page, emma.console_says)
    await record.shows(name)
    await record.open_related()
    await record.related("Contacts").get_by_role("button", name="New Contact").click()
    person = NewDialog(emma.page, emma.console_says, "Contact")
    await expect(person.form.get_by_label("Account Name", exact=True)).to_have_value(name)
    await person.fill(First_Name="Related", Last_Name="Person")
    # Whom the person reports to is not there yet: the look-up makes them, and the form keeps what is typed.
    await person.form.get_by_role("combobox", name="Reports To", exact=True).click()
    await person.form.get_by_role("option", name="New Contact", exact=True).click()
    boss = emma.page.get_by_role("dialog").last
    await boss.get_by_label("Last Name").fill("Above")
    await boss.get_by_role("button", name=person.say("form.save"), exact=True).click()
    await expect(emma.page.get_by_role("dialog")).to_have_count(1)
    await expect(person.form.get_by_label("Reports To", exact=True)).to_have_value("Above")
    await expect(person.form.get_by_label("Account Name", exact=True)).to_have_value(name)
    await person.save()
    await record.shows("Related Person")
    await record.press("activity.task")
    await record.field("Subject").fill("Send the catalogue")
    await record.save()
    open_task = record.timeline().locator("li", has_text="Send the catalogue")
    await expect(open_task).to_contain_text("No due date")
    await open_task.get_by_role("checkbox").check(force=True)
    await expect(record.timeline().get_by_text("No due date")).to_have_count(0)
    await expect(open_task).to_contain_text("Today")
    await record.main.get_by_role("link", name=name).first.click()
    await record.shows(name)
    await record.open_related()
    await expect(record.related("Contacts").get_by_role("link", name="Related Person")).to_be_visible()
