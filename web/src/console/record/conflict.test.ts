import { describe, expect, it } from "vitest";
import type { Field } from "../data/types.ts";
import { conflict, same } from "./conflict.ts";

const field = (name: string, compoundFieldName: string | null = null, type = "string") =>
  ({ name, compoundFieldName, type }) as Field;
const FIELDS = [
  field("Title"),
  field("Phone"),
  field("LastName", "Name"),
  field("Name"),
  field("MailingAddress", null, "address"),
  field("LastModifiedDate", null, "datetime"),
];
const names = (fields: Field[]) => fields.map((each) => each.name);

describe("two editors", () => {
  it("are told which fields somebody else changed, and which both did", () => {
    const before = { Title: "a", Phone: "1", LastName: "X", Name: "X", LastModifiedDate: "1" };
    const now = { Title: "b", Phone: "1", LastName: "Y", Name: "Y", LastModifiedDate: "2" };
    const found = conflict(before, now, ["Title", "Phone"], FIELDS);
    expect(names(found.theirs)).toEqual(["Title", "LastName"]);
    expect(names(found.both)).toEqual(["Title"]);
  });

  it("are left alone while nobody else saves", () => {
    const record = { Title: "a", Phone: null, MailingAddress: { city: "x" } };
    const again = { Title: "a", Phone: "", MailingAddress: { city: "y" } };
    expect(conflict(record, again, ["Title"], FIELDS)).toEqual({ theirs: [], both: [] });
  });
});

describe("values", () => {
  it("are the same when a person sees no difference", () => {
    expect(same(null, "")).toBe(true);
    expect(same(undefined, null)).toBe(true);
    expect(same({ a: 1 }, { a: 1 })).toBe(true);
    expect(same(0, null)).toBe(false);
    expect(same(false, null)).toBe(false);
  });
});
