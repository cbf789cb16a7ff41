import { describe, expect, it } from "vitest";
import type { PathInfo } from "../data/types.ts";
import { drawn, following } from "./path.ts";

const step = (value: string, kind: PathInfo["steps"][number]["kind"] = "open") => ({
  value,
  label: value,
  kind,
});
const STAGES: PathInfo = {
  field: "StageName",
  label: "Stage",
  steps: [step("A"), step("B"), step("Won", "won"), step("Lost", "lost")],
};
const LEAD: PathInfo = {
  field: "Status",
  label: "Status",
  steps: [step("New"), step("Converted", "converted"), step("Not converted")],
};
const states = (path: PathInfo, current: string) =>
  drawn(path, current).map((each) => `${each.key} ${each.state}`);

describe("a path", () => {
  it("has what is behind, where the record is, and what comes", () => {
    expect(states(STAGES, "B")).toEqual(["A complete", "B current", "closed incomplete"]);
    expect(following(drawn(STAGES, "B"))?.values.map((each) => each.value)).toEqual(["Won", "Lost"]);
  });

  it("ends won or lost under the ending's own name", () => {
    expect(states(STAGES, "Lost")).toEqual(["A complete", "B complete", "closed lost"]);
    expect(drawn(STAGES, "Won").at(-1)).toMatchObject({ label: "Won", state: "won" });
    expect(following(drawn(STAGES, "Won"))).toBeNull();
  });

  it("puts conversion last", () => {
    expect(states(LEAD, "New")).toEqual(["New current", "Not converted incomplete", "Converted incomplete"]);
    expect(following(drawn(LEAD, "Not converted"))?.key).toBe("Converted");
  });

  it("says nothing about a value that is none of its steps", () => {
    expect(states(STAGES, "Old")).toEqual(["A incomplete", "B incomplete", "closed incomplete"]);
    expect(following(drawn(STAGES, "Old"))).toBeNull();
  });
});
