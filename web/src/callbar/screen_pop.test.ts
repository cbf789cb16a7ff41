import { describe, expect, test } from "vitest";
import type { Match } from "../protocol/callbar.ts";
import { aMatch, anEngagement, aRecord } from "./builders.ts";
import { decidePop, type Layout, popOfRecord } from "./screen_pop.ts";

const layout = (settings: Record<string, unknown>): Layout => ({
  Inbound: { objects: {}, screenPopSettings: { screenPopsOpenWithin: "ExistingWindow", ...settings } },
  Outbound: { screenPopSettings: {} },
});
const none = aMatch({ status: "none", records: [], new_record_phone: "+819012345678" });
const many = aMatch({ status: "many", records: [aRecord(), aRecord({ id: "x" })], search: "09012345678" });
const form = {
  type: "NEW_RECORD_MODAL",
  entityName: "Contact",
  defaultFieldValues: { Phone: "+819012345678" },
};
const page = { type: "SOBJECT", recordId: "003000000000001AAA", objectType: "Contact", within: "existing" };
const results = { type: "SEARCH", searchString: "09012345678" };

describe("without a layout", () => {
  test.each([null, {}, { Inbound: {} }, { Inbound: { screenPopSettings: {} } }] as (Layout | null)[])(
    "none opens the form, one the page, many the results: %j",
    (empty) => {
      expect(decidePop(anEngagement({ match: none }), empty)).toEqual(form);
      expect(decidePop(anEngagement(), empty)).toEqual(page);
      expect(decidePop(anEngagement({ match: many }), empty)).toEqual(results);
    },
  );

  test("a withheld number opens nothing", () => {
    expect(decidePop(anEngagement({ match: aMatch({ status: "withheld", records: [] }) }), null)).toBeNull();
  });

  test("numbers not indexed yet are searched by the host", () => {
    const match = aMatch({ status: "unavailable", records: [] });
    expect(decidePop(anEngagement({ match }), null)).toEqual({
      type: "SEARCH_AND_POP",
      searchString: "+819012345678",
      defaultFieldValues: { Phone: "+819012345678" },
    });
  });

  test("a search that Salesforce would refuse is not asked for", () => {
    expect(decidePop(anEngagement({ match: { ...many, search: "09" } }), null)).toBeNull();
  });
});

describe("the layout decides", () => {
  test("which object's form opens when nobody is found", () => {
    const pop = decidePop(
      anEngagement({ match: none }),
      layout({ NoMatch: { screenPopType: "PopToEntity", screenPopData: "Lead" } }),
    );
    expect(pop).toEqual({ ...form, entityName: "Lead" });
  });

  test.each([
    ["NoMatch", none],
    ["SingleMatch", aMatch()],
    ["MultipleMatches", many],
  ] as const)("that nothing opens: %s", (name, match) => {
    for (const screenPopType of ["DoNotPop", "DontPop", "None", "NoPop"])
      expect(decidePop(anEngagement({ match }), layout({ [name]: { screenPopType } }))).toBeNull();
  });

  test("that a Visualforce page or a flow opens", () => {
    const engagement = anEngagement({ match: many });
    const visualforce = { screenPopType: "PopToVisualforce", screenPopData: "CallPage" };
    expect(decidePop(engagement, layout({ MultipleMatches: visualforce }))).toEqual({
      type: "URL",
      url: "/apex/CallPage?ANI=%2B819012345678&QUEUE=support",
    });
    const flow = { screenPopType: "PopToFlow", screenPopData: "Greet" };
    expect(decidePop(engagement, layout({ MultipleMatches: flow }))).toMatchObject({
      type: "FLOW",
      flowDevName: "Greet",
    });
  });

  test("that one match opens the results", () => {
    const match = aMatch({ search: "09012345678" });
    const settings = layout({ SingleMatch: { screenPopType: "PopToSearch" } });
    expect(decidePop(anEngagement({ match }), settings)).toEqual(results);
  });

  test("whether a record opens in a new window", () => {
    const settings = layout({ screenPopsOpenWithin: "NewWindow" });
    expect(popOfRecord(aRecord(), settings)).toMatchObject({ within: "new" });
    expect(popOfRecord(aRecord(), null)).toMatchObject({ within: "existing" });
  });
});

test("internal engagements open nothing", () => {
  for (const match of [none, aMatch(), many])
    expect(decidePop(anEngagement({ direction: "internal", match }), null)).toBeNull();
});

test("outbound engagements open the record that certainly is theirs, and nothing else", () => {
  const popped = (match: Match) => decidePop(anEngagement({ direction: "outbound", match }), null);
  expect(popped(aMatch())).toMatchObject({ type: "SOBJECT", recordId: aMatch().records[0]?.id });
  expect(popped(none)).toBeNull();
  expect(popped(many)).toBeNull();
});
