"""Which fields and rows of an org the phone index takes."""

from __future__ import annotations

from tieline.salesforce.index import ObjectFields


def field(name: str, kind: str = "string", *, name_field: bool = False) -> dict[str, object]:
    return {"name": name, "type": kind, "nameField": name_field}


ACCOUNT = [
    field("Name", name_field=True),
    field("Phone", "phone"),
    field("OwnerId", "reference"),
    field("IsPersonAccount", "boolean"),
    field("FirstName"),
    field("LastName"),
]


def test_every_phone_field_is_read_and_only_fields_the_org_has() -> None:
    one = ObjectFields.of(
        "Lead", [field("Name", name_field=True), field("A__c", "phone"), field("Fax", "phone")]
    )
    assert one.select() == "SELECT Id, Name, IsDeleted, SystemModstamp, A__c, Fax FROM Lead"
    assert "IsPersonAccount" in ObjectFields.of("Account", ACCOUNT).select()
    assert "Owner.Name" in ObjectFields.of("Account", ACCOUNT).select()


def test_a_person_account_stands_once_as_its_contact() -> None:
    accounts, contacts = ObjectFields.of("Account", ACCOUNT), ObjectFields.of("Contact", ACCOUNT)
    assert not accounts.counts({"Id": "001A", "IsPersonAccount": True})
    assert contacts.counts({"Id": "003A", "IsPersonAccount": True})
    assert accounts.counts({"Id": "001B", "IsPersonAccount": False})
    assert not accounts.counts({"Id": "001B", "IsDeleted": True})
