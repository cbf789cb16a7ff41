/** The seam to the page that embeds the callbar. Every verb settles; a host that cannot do a thing says so. */

/** What to open in the agent's page. */
export type Pop =
  | { type: "SOBJECT"; recordId: string; objectType: string; within: "existing" | "new" }
  | { type: "SEARCH"; searchString: string }
  | { type: "NEW_RECORD_MODAL"; entityName: string; defaultFieldValues: Record<string, string> }
  | { type: "URL"; url: string }
  | { type: "FLOW"; flowDevName: string; flowArgs: { name: string; type: string; value: string }[] }
  /** Search and open by the host's own rules: while our index of numbers is not ready. */
  | { type: "SEARCH_AND_POP"; searchString: string; defaultFieldValues: Record<string, string> };

/** The record the agent looks at. */
export interface ViewedRecord {
  objectType: string;
  recordId: string;
}

/** A phone field that the agent clicked, and the record it belongs to; null where the page named none. */
export interface ClickedNumber {
  number: string;
  record: { id: string; object_type: string; name: string } | null;
}

/** The call center definition's dialing prefixes: understood in what is typed, never dialled. */
export interface DialingPrefixes {
  outside: string;
  long_distance: string;
  international: string;
}

/** How the host should show the callbar while it is folded away. */
export interface ItemLook {
  label: string;
  /** Name of a utility icon of the design system. */
  icon: string;
}

export interface Host {
  /** Resolves once the host can be asked; rejects when the page cannot be reached. */
  ready(): Promise<void>;
  /** The org's softphone layout for this user; null when it has none. */
  softphoneLayout(): Promise<Record<string, unknown> | null>;
  /** Opens; rejects with `HostRefused` when the page would not. */
  pop(pop: Pop): Promise<void>;
  /** Brings the callbar into view. */
  show(): Promise<void>;
  look(look: ItemLook): Promise<void>;
  /** Reads the page again, so that what we wrote into the CRM shows. */
  refresh(): Promise<void>;
  /** Empty prefixes where the page has none. */
  dialingPrefixes(): Promise<DialingPrefixes>;
  /** Makes the page's phone fields buttons, or text again. */
  clickToDial(enabled: boolean): Promise<void>;
  /** Calls back with each phone field that the agent clicks. */
  onNumber(listener: (clicked: ClickedNumber) => void): void;
  /** Calls back with each record that the agent goes to. */
  onRecord(listener: (record: ViewedRecord) => void): void;
  /** Calls back with each message of a channel of the page; rejects where there is none. */
  onMessage(channel: string, listener: (message: unknown) => void): Promise<void>;
  publish(channel: string, message: Record<string, unknown>): Promise<void>;
}

/** The host did not do what was asked; `message` is the host's own, for the log. */
export class HostRefused extends Error {}
