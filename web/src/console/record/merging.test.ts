import { describe, expect, it } from "vitest";
import type { Field } from "../data/types.ts";
import { changesOf, differing, proposed } from "./merging.ts";

const field = (name: string, updateable = true) => ({ name, updateable, type: "string" }) as Field;
const FIELDS = [
  field("LastName"),
  field("Phone"),
  field("Title"),
  field("Email"),
  field("CreatedDate", false),
];
const ONE = { id: "1", record: { LastName: "A", Phone: null, Title: "Boss", Email: "x", CreatedDate: "1" } };
const TWO = { id: "2", record: { LastName: "B", Phone: "5", Title: null, Email: "x", CreatedDate: "2" } };

describe("a merge", () => {
  it("asks only where the records differ and somebody may write", () => {
    expect(differing([ONE, TWO], FIELDS).map((each) => each.name)).toEqual(["LastName", "Phone", "Title"]);
  });

  it("keeps the master's values and takes from the others what it lacks", () => {
    expect(proposed([ONE, TWO], "1", "LastName")).toBe("1");
    expect(proposed([ONE, TWO], "1", "Phone")).toBe("2");
    expect(changesOf([ONE, TWO], "1", FIELDS, {})).toEqual({ Phone: "5" });
  });

  it("does what was chosen, an empty value included", () => {
    expect(changesOf([ONE, TWO], "1", FIELDS, { LastName: "2", Title: "2", Phone: "1" })).toEqual({
      LastName: "B",
      Title: null,
    });
  });
});
