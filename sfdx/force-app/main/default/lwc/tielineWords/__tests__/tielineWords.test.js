import { filled, problemOf } from "c/tielineWords";

describe("c/tielineWords", () => {
  it("puts values where their numbers stand, and leaves what has none", () => {
    expect(filled("{1} of {0}, {2}", 20, 3)).toBe("3 of 20, {2}");
  });

  it("has a sentence for a refusal that the caller knows", () => {
    expect(problemOf({ body: { message: "NONE" } }, { NONE: "Leave one" })).toBe("Leave one");
  });

  it.each([
    [{ status: 0 }, "c.Tieline_Problem_Unreachable"],
    [{ status: 403, body: { message: "no" } }, "c.Tieline_Problem_No_Access"],
    [{ status: 500, body: { message: "You do not have access to the Apex class" } }, "c.Tieline_Problem_No_Access"],
    [{ status: 500, body: { message: "toString" } }, "c.Tieline_Problem_Unexpected"],
    [new Error("x"), "c.Tieline_Problem_Unexpected"],
    [undefined, "c.Tieline_Problem_Unexpected"],
  ])("says what went wrong: %p", (error, sentence) => {
    expect(problemOf(error)).toBe(sentence);
  });
});
