/**
 * What to open for a caller: the match decides which case it is, the org's softphone layout what that case
 * opens. Without a layout, or where it says nothing, Salesforce's usual choice is taken.
 *
 * The published values of `screenPopType` are `PopToEntity`, `PopToSearch`, `PopToVisualforce`, `PopToFlow`; how
 * "don't pop any screen" is spelled is not published, so several spellings are understood.
 */
import type { Pop } from "../hosts/host.ts";
import type { Engagement, Match } from "../protocol/callbar.ts";

export type Layout = Record<string, unknown>;

type Case = "NoMatch" | "SingleMatch" | "MultipleMatches";

interface Setting {
  screenPopType?: unknown;
  screenPopData?: unknown;
}

const NO_POP = /^(do_?n[o'’]?t_?pop|no_?pop|pop_?to_?nothing|none)$/i;
/** Salesforce refuses a search for less. */
const SHORTEST_SEARCH = 3;

/** The pop for an engagement that begins to ring; null when nothing shall open. */
export function decidePop(
  engagement: Pick<Engagement, "direction" | "match" | "party" | "queue">,
  layout: Layout | null,
): Pop | null {
  const { match, party } = engagement;
  // The agent chose whom to call: what opens is the record that certainly is theirs, and never a search.
  if (engagement.direction === "internal") return null;
  if (engagement.direction === "outbound") {
    const record = match.status === "one" ? match.records[0] : undefined;
    return record ? popOfRecord(record, layout) : null;
  }
  const phone = match.new_record_phone ?? party.e164;
  switch (match.status) {
    case "withheld":
      return null;
    case "unavailable": {
      const searchString = match.search ?? party.e164;
      if (!searchString || searchString.length < SHORTEST_SEARCH) return null;
      return { type: "SEARCH_AND_POP", searchString, defaultFieldValues: phoneField(phone) };
    }
    case "none":
      return decided("NoMatch", engagement, layout, phone);
    case "one":
      return decided("SingleMatch", engagement, layout, phone);
    case "many":
      return decided("MultipleMatches", engagement, layout, phone);
  }
}

/** The pop for a record of the list that the agent clicked. */
export function popOfRecord(record: { id: string; object_type: string }, layout: Layout | null): Pop {
  return {
    type: "SOBJECT",
    recordId: record.id,
    objectType: record.object_type,
    within: opensWithin(layout),
  };
}

function decided(
  matchCase: Case,
  { match, party, queue }: Pick<Engagement, "match" | "party" | "queue">,
  layout: Layout | null,
  phone: string | null,
): Pop | null {
  const setting = member(popSettings(layout), matchCase) as Setting | undefined;
  const type = typeof setting?.screenPopType === "string" ? setting.screenPopType : "";
  const data = typeof setting?.screenPopData === "string" ? setting.screenPopData : "";
  if (NO_POP.test(type)) return null;
  if (type === "PopToVisualforce" && data !== "") {
    const query = new URLSearchParams({ ANI: party.e164 ?? "", QUEUE: queue.name });
    return { type: "URL", url: `/apex/${encodeURIComponent(data)}?${query}` };
  }
  if (type === "PopToFlow" && data !== "")
    return {
      type: "FLOW",
      flowDevName: data,
      flowArgs: [{ name: "phone", type: "String", value: party.e164 ?? "" }],
    };
  if (type === "PopToSearch") return search(match);
  switch (matchCase) {
    case "NoMatch":
      return {
        type: "NEW_RECORD_MODAL",
        entityName: type === "PopToEntity" && data !== "" ? data : "Contact",
        defaultFieldValues: phoneField(phone),
      };
    case "SingleMatch": {
      const record = match.records[0];
      return record ? popOfRecord(record, layout) : null;
    }
    case "MultipleMatches":
      return search(match);
  }
}

function search(match: Match): Pop | null {
  const searchString = match.search ?? match.new_record_phone ?? "";
  return searchString.length >= SHORTEST_SEARCH ? { type: "SEARCH", searchString } : null;
}

const phoneField = (phone: string | null): Record<string, string> => (phone ? { Phone: phone } : {});

const popSettings = (layout: Layout | null) => member(member(layout, "Inbound"), "screenPopSettings");

const opensWithin = (layout: Layout | null): "existing" | "new" =>
  member(popSettings(layout), "screenPopsOpenWithin") === "NewWindow" ? "new" : "existing";

function member(node: unknown, name: string): unknown {
  return typeof node === "object" && node !== null && Object.hasOwn(node, name)
    ? (node as Record<string, unknown>)[name]
    : undefined;
}
