/**
 * Salesforce Lightning (or a page that behaves like it) by Open CTI. The script comes from the org itself; its
 * answers are `{success, returnValue, errors}`, where some documents say `error`: both are read.
 */
import {
  type ClickedNumber,
  type DialingPrefixes,
  type Host,
  HostRefused,
  type ItemLook,
  type Pop,
  type ViewedRecord,
} from "./host.ts";

interface Answer {
  success: boolean;
  returnValue?: unknown;
  errors?: { code?: string; description?: string }[] | null;
  error?: { code?: string; description?: string }[] | null;
}

type Method = (argument: Record<string, unknown>) => void;

export interface OpenCti {
  SCREENPOP_TYPE: Record<string, string>;
  CALL_TYPE: Record<string, string>;
  [method: string]: unknown;
}

/** A host that never answers must not hold up a call. */
const ANSWER_LIMIT_MS = 5_000;
const LOAD_LIMIT_MS = 10_000;
/** The server refuses longer ones, and no exchange has them. */
const PREFIX_LENGTH = 10;

export class OpenCtiHost implements Host {
  readonly #api: Promise<OpenCti>;
  readonly #origin: string;

  /** `api` may still be loading; `origin` is that of the embedding page. */
  constructor(api: Promise<OpenCti>, origin: string) {
    this.#api = api;
    this.#origin = origin;
    // Whoever needs the host hears of a failure by its own call; no unhandled rejection besides.
    api.catch(() => undefined);
  }

  /** Loads the org's script into this page. */
  static load(scriptUrl: string, origin: string): OpenCtiHost {
    const api = new Promise<OpenCti>((resolve, reject) => {
      const failed = (why: string) => reject(new HostRefused(`${why}: ${scriptUrl}`));
      const limit = setTimeout(() => failed("no answer in time"), LOAD_LIMIT_MS);
      const script = document.createElement("script");
      script.src = scriptUrl;
      script.async = true;
      script.onload = () => {
        clearTimeout(limit);
        const loaded = (globalThis as { sforce?: { opencti?: OpenCti } }).sforce?.opencti;
        if (loaded) resolve(loaded);
        else failed("no Open CTI in the script");
      };
      script.onerror = () => {
        clearTimeout(limit);
        failed("not loaded");
      };
      document.head.append(script);
    });
    return new OpenCtiHost(api, origin);
  }

  async ready(): Promise<void> {
    await this.#api;
    // Salesforce moves the user to a stand-by address unless it hears this in time.
    await this.#call("notifyInitializationComplete", {}).catch(() => undefined);
  }

  async softphoneLayout(): Promise<Record<string, unknown> | null> {
    const layout = await this.#call("getSoftphoneLayout", {});
    return typeof layout === "object" && layout !== null ? (layout as Record<string, unknown>) : null;
  }

  async pop(pop: Pop): Promise<void> {
    if (pop.type === "SEARCH_AND_POP") {
      const { CALL_TYPE } = await this.#api;
      await this.#call("searchAndScreenPop", {
        searchParams: pop.searchString,
        callType: CALL_TYPE["INBOUND"],
        defaultFieldValues: pop.defaultFieldValues,
        deferred: false,
      });
      return;
    }
    if (pop.type === "SOBJECT" && pop.within === "new" && this.#openedInNewTab(pop)) return;
    const { SCREENPOP_TYPE } = await this.#api;
    const type = SCREENPOP_TYPE[pop.type];
    switch (pop.type) {
      case "SOBJECT":
        await this.#call("screenPop", { type, params: { recordId: pop.recordId } });
        return;
      case "SEARCH":
        await this.#call("screenPop", { type, params: { searchString: pop.searchString } });
        return;
      case "URL":
        await this.#call("screenPop", { type, params: { url: pop.url } });
        return;
      case "FLOW":
        await this.#call("screenPop", {
          type,
          params: { flowDevName: pop.flowDevName, flowArgs: pop.flowArgs },
        });
        return;
      case "NEW_RECORD_MODAL": {
        const { entityName, defaultFieldValues } = pop;
        await this.#call("screenPop", { type, params: { entityName, defaultFieldValues } });
      }
    }
  }

  async show(): Promise<void> {
    await this.#call("setSoftphonePanelVisibility", { visible: true });
  }

  async look({ label, icon }: ItemLook): Promise<void> {
    await Promise.all([
      this.#call("setSoftphoneItemLabel", { label }),
      this.#call("setSoftphoneItemIcon", { key: icon }),
      this.#call("setSoftphonePanelLabel", { label }),
      this.#call("setSoftphonePanelIcon", { key: icon }),
    ]);
  }

  async refresh(): Promise<void> {
    await this.#call("refreshView", {});
  }

  async dialingPrefixes(): Promise<DialingPrefixes> {
    const settings = (await this.#call("getCallCenterSettings", {})) as Record<string, unknown> | null;
    const prefix = (name: string) => {
      const text = settings?.[`/reqDialingOptions/${name}`];
      return typeof text === "string" ? text.trim().slice(0, PREFIX_LENGTH) : "";
    };
    return {
      outside: prefix("reqOutsidePrefix"),
      long_distance: prefix("reqLongDistPrefix"),
      international: prefix("reqInternationalPrefix"),
    };
  }

  async clickToDial(enabled: boolean): Promise<void> {
    await this.#call(enabled ? "enableClickToDial" : "disableClickToDial", {});
  }

  onNumber(listener: (clicked: ClickedNumber) => void): void {
    const heard = (payload: unknown) => {
      const { number, recordId, objectType, recordName } = (payload ?? {}) as Record<string, unknown>;
      // Salesforce gives the number as text; a formula field gives it as a number.
      const dialled = typeof number === "number" ? String(number) : number;
      if (typeof dialled !== "string" || dialled.trim() === "") return;
      const named = typeof recordId === "string" && recordId !== "" && typeof objectType === "string";
      const record = named
        ? { id: recordId, object_type: objectType, name: typeof recordName === "string" ? recordName : "" }
        : null;
      listener({ number: dialled.trim(), record });
    };
    this.#api.then(
      (api) => (api["onClickToDial"] as Method | undefined)?.({ listener: heard }),
      () => undefined,
    );
  }

  onRecord(listener: (record: ViewedRecord) => void): void {
    const heard = (payload: unknown) => {
      const view = (payload ?? {}) as { objectType?: unknown; recordId?: unknown; success?: boolean };
      if (typeof view.objectType === "string" && typeof view.recordId === "string" && view.recordId !== "")
        listener({ objectType: view.objectType, recordId: view.recordId });
    };
    this.#api.then(
      (api) => (api["onNavigationChange"] as Method | undefined)?.({ listener: heard }),
      () => undefined,
    );
  }

  async onMessage(channel: string, listener: (message: unknown) => void): Promise<void> {
    await this.#call("subscribe", { channelName: channel, listener });
  }

  async publish(channel: string, message: Record<string, unknown>): Promise<void> {
    await this.#call("publish", { channelName: channel, message });
  }

  /**
   * Lightning itself opens pops in the existing window only. A new one needs a click of the user, without
   * which the browser blocks it, so a pop at ring time stays in the existing window.
   */
  #openedInNewTab(pop: { recordId: string; objectType: string }): boolean {
    if (!navigator.userActivation?.isActive) return false;
    const path = `/lightning/r/${encodeURIComponent(pop.objectType)}/${encodeURIComponent(pop.recordId)}/view`;
    const opened = window.open(`${this.#origin}${path}`, "_blank");
    if (opened) opened.opener = null;
    return opened !== null;
  }

  async #call(method: string, argument: Record<string, unknown>): Promise<unknown> {
    const api = await this.#api;
    const run = api[method] as Method | undefined;
    if (typeof run !== "function") throw new HostRefused(`${method} is not offered`);
    return new Promise((resolve, reject) => {
      const limit = setTimeout(() => reject(new HostRefused(`${method} was not answered`)), ANSWER_LIMIT_MS);
      const callback = (answer: Answer | undefined) => {
        clearTimeout(limit);
        if (answer?.success) return resolve(answer.returnValue);
        const first = (answer?.errors ?? answer?.error)?.[0];
        reject(new HostRefused(`${method}: ${first?.code ?? "failed"} ${first?.description ?? ""}`.trim()));
      };
      run.call(api, { ...argument, callback });
    });
  }
}
