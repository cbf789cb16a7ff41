import { describe, expect, it } from "vitest";
import type { Describe, Field } from "../data/types.ts";
import { editSections, fieldsOf, gridOf, laidOut, newLayout, placeOf, readSections } from "./layout.ts";

function aField(name: string, values: Partial<Field> = {}): Field {
  return {
    name,
    label: name,
    type: "string",
    length: 80,
    nillable: true,
    createable: true,
    updateable: true,
    defaultedOnCreate: false,
    custom: false,
    referenceTo: [],
    relationshipName: null,
    picklistValues: [],
    compoundFieldName: null,
    ...values,
  };
}

const readOnly = { createable: false, updateable: false };
const CONTACT: Describe = {
  name: "Contact",
  label: "Contact",
  labelPlural: "Contacts",
  keyPrefix: "003",
  createable: true,
  updateable: true,
  fields: [
    aField("LastName", { compoundFieldName: "Name", nillable: false }),
    aField("FirstName", { compoundFieldName: "Name" }),
    aField("Salutation", { compoundFieldName: "Name" }),
    aField("Name", { ...readOnly, nameField: true, nillable: false }),
    aField("Phone"),
    aField("MailingStreet", { compoundFieldName: "MailingAddress" }),
    aField("MailingCity", { compoundFieldName: "MailingAddress" }),
    aField("MailingState", { compoundFieldName: "MailingAddress" }),
    aField("MailingPostalCode", { compoundFieldName: "MailingAddress" }),
    aField("MailingCountry", { compoundFieldName: "MailingAddress" }),
    aField("MailingAddress", { type: "address", ...readOnly }),
    aField("Level__c", { custom: true, nillable: false }),
    aField("CreatedDate", readOnly),
  ],
};
const LAYOUT = [
  { label: "Details", fields: ["Name", "Phone", "OwnerId"] },
  { label: "Address", fields: ["MailingStreet", "MailingCity", "MailingPostalCode"] },
  { label: "System", fields: ["CreatedDate"] },
];
const shown = (found: ReturnType<typeof readSections>) =>
  found.map((section) => section.items.map((item) => item.field.name));

describe("a layout", () => {
  it("is read with names and addresses as one item each", () => {
    expect(shown(readSections(CONTACT, LAYOUT, "en"))).toEqual([
      ["Name", "Phone"],
      ["MailingAddress"],
      ["CreatedDate"],
    ]);
  });

  it("is edited by their parts, in the order of the language, without what cannot be written", () => {
    const english = fieldsOf(editSections(CONTACT, LAYOUT, "en", "update")).map((field) => field.name);
    expect(english.slice(0, 4)).toEqual(["Salutation", "FirstName", "LastName", "Phone"]);
    expect(english).toContain("MailingState");
    expect(english).not.toContain("CreatedDate");
    const japanese = fieldsOf(editSections(CONTACT, LAYOUT, "ja", "update")).map((field) => field.name);
    expect(japanese.slice(0, 2)).toEqual(["LastName", "FirstName"]);
    expect(japanese.slice(4)).toEqual([
      "MailingCountry",
      "MailingPostalCode",
      "MailingState",
      "MailingCity",
      "MailingStreet",
    ]);
  });

  it("loses a part that the user may not write, and a compound with none left", () => {
    const fields = CONTACT.fields.map((field) =>
      field.name === "FirstName" || field.compoundFieldName === "MailingAddress"
        ? { ...field, ...readOnly }
        : field,
    );
    const found = editSections({ ...CONTACT, fields }, LAYOUT, "en", "create");
    expect(fieldsOf(found).map((field) => field.name)).toEqual(["Salutation", "LastName", "Phone"]);
  });
});

describe("the form of a new record", () => {
  it("has what is required and what was asked for, wherever the layout forgot it", () => {
    const layout = newLayout(CONTACT, LAYOUT, ["Phone", "MailingCountry", "Nothing__c"]);
    expect(layout[0]?.fields).toEqual(["Name", "Phone", "LastName", "Level__c", "MailingCountry"]);
    expect(layout.map((part) => part.label)).toEqual(["Details", "Address"]);
    const names = fieldsOf(editSections(CONTACT, layout, "en", "create")).map((field) => field.name);
    expect(names.filter((name) => name === "LastName")).toHaveLength(1);
  });
});

describe("a deployed layout", () => {
  const DEPLOYED = [
    {
      label: "Desk",
      fields: ["Name", "", "Phone", "Level__c"],
      columns: 2,
      required: ["Phone"],
      readonly: ["Level__c"],
    },
    { label: "More", fields: ["CreatedDate"], columns: 1, required: [], readonly: [] },
  ];

  it("keeps its columns where a place is empty or a field is not shown", () => {
    const [desk, more] = readSections(CONTACT, DEPLOYED, "en");
    expect(desk?.items.map((item) => [item.field.name, placeOf(item, false)])).toEqual([
      ["Name", "console-field_column-1"],
      ["Phone", "console-field_column-1"],
      ["Level__c", "console-field_column-2"],
    ]);
    expect(more && gridOf(more)).toBe("console-fields console-fields_one");
    const [asNew] = newLayout(CONTACT, [{ ...DEPLOYED[0]!, fields: ["OwnerId", "Phone"] }], []);
    expect(asNew?.fields.slice(0, 2)).toEqual(["", "Phone"]);
  });

  it("says what must and what cannot be filled in, and which values are offered", () => {
    const values = ["Hot", "Cold"].map((value) => ({
      value,
      label: value,
      active: true,
      defaultValue: value === "Cold",
    }));
    const rated = {
      ...CONTACT,
      fields: [...CONTACT.fields, aField("Rating", { type: "picklist", picklistValues: values })],
    };
    const offered = { Rating: [{ value: "Hot", label: "Hot", default: true }] };
    const found = new Map(
      laidOut(rated, DEPLOYED, offered, false).fields.map((field) => [field.name, field]),
    );
    expect(found.get("Phone")?.nillable).toBe(false);
    expect(found.get("Level__c")?.updateable).toBe(false);
    expect(
      found.get("Rating")?.picklistValues.map((each) => [each.value, each.active, each.defaultValue]),
    ).toEqual([
      ["Hot", true, true],
      ["Cold", false, false],
    ]);
  });

  it("makes the name of an account that is a person of a person's names", () => {
    const account: Describe = {
      ...CONTACT,
      name: "Account",
      fields: CONTACT.fields.map((field) =>
        field.name === "Name" ? { ...field, createable: true, updateable: true } : field,
      ),
    };
    const parts = (person: boolean) =>
      fieldsOf(editSections(laidOut(account, LAYOUT, {}, person), LAYOUT, "en", "update"))
        .map((field) => field.name)
        .slice(0, 3);
    expect(parts(false)).toEqual(["Name", "Phone", "MailingStreet"]);
    expect(parts(true)).toEqual(["Salutation", "FirstName", "LastName"]);
  });
});
