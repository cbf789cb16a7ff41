import { type DialingPrefixes, type Host, HostRefused, type Pop } from "./host.ts";

/**
 * No page around us: a window of its own. Nothing to label and nothing that opens by itself; a record that the
 * agent clicks opens in the org's own pages, in one other window.
 */
export class StandaloneHost implements Host {
  readonly #origin: string;

  /** `origin` is that of the org's pages; empty where there are none. */
  constructor(origin: string) {
    this.#origin = origin;
  }

  ready(): Promise<void> {
    return Promise.resolve();
  }
  softphoneLayout(): Promise<null> {
    return Promise.resolve(null);
  }
  pop(pop: Pop): Promise<void> {
    // A browser opens windows for clicks only.
    const clicked = navigator.userActivation?.isActive ?? false;
    if (pop.type !== "SOBJECT" || this.#origin === "" || !clicked)
      return Promise.reject(new HostRefused("no page to open records in"));
    const path = `/lightning/r/${encodeURIComponent(pop.objectType)}/${encodeURIComponent(pop.recordId)}/view`;
    const opened = window.open(`${this.#origin}${path}`, "tieline-crm");
    return opened ? Promise.resolve() : Promise.reject(new HostRefused("the browser blocked the window"));
  }
  show(): Promise<void> {
    return Promise.resolve();
  }
  look(): Promise<void> {
    return Promise.resolve();
  }
  refresh(): Promise<void> {
    return Promise.resolve();
  }
  dialingPrefixes(): Promise<DialingPrefixes> {
    return Promise.resolve({ outside: "", long_distance: "", international: "" });
  }
  clickToDial(): Promise<void> {
    return Promise.resolve();
  }
  onNumber(): void {
    // No page, no phone fields.
  }
  onMessage(): Promise<void> {
    return Promise.reject(new HostRefused("no page with channels"));
  }
  publish(): Promise<void> {
    return Promise.reject(new HostRefused("no page with channels"));
  }
  onRecord(): void {
    // Nobody navigates where there is no page.
  }
}
