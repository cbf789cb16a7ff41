/**
 * The methods of Open CTI as this console carries them out: arguments checked as documented, then one call of
 * `CtiActions`. No method asks the org before it moves the page.
 */
import { isRecord } from "../../opencti/wire.ts";
import { isObjectName, isRecordId, type Fields } from "../router.ts";
import type { LayoutSection, Row, ScreenPopSetting, SoftphoneLayout } from "../data/types.ts";
import { CtiFailure, type CtiMethods } from "./host.ts";
import { HEIGHT_PX, WIDTH_PX } from "./panel.ts";

/** What a softphone learns about the page in front. */
export interface ViewInfo {
  url: string;
  recordId?: string;
  recordName?: string;
  objectType?: string;
  /** Only in orgs with person accounts, for accounts and contacts. */
  personAccount?: boolean;
  /** Of a person account seen as a contact. */
  accountId?: string;
  /** Of a person account seen as an account. */
  contactId?: string;
}

/** What the console can do for a softphone. */
export interface CtiActions {
  openRecord(id: string): void;
  openNew(object: string, defaults: Fields): void;
  openSearch(text: string): void;
  openList(object: string, listViewId: string): void;
  openPath(path: string): void;
  /** False for an object that the org does not have, or that the user may not see. */
  knowsObject(name: string): boolean;
  origin(): string;
  viewInfo(): Promise<ViewInfo>;
  refreshView(): Promise<void>;
  callCenterSettings(): Record<string, string> | null;
  softphoneLayout(): SoftphoneLayout;
  panelVisible(): boolean;
  /** The softphone says that it has started; its standby address is not needed. */
  initialized(): void;
  changePanel(change: {
    visible?: boolean;
    itemLabel?: string;
    itemIcon?: string;
    panelLabel?: string;
    panelIcon?: string;
    widthPx?: number;
    heightPx?: number;
    clickToDial?: boolean;
  }): void;
  /** Matches of a text among the objects with the fields asked for; throws what the org refused. */
  search(text: string, objects: Record<string, string[]>): Promise<(Row & { Id: string; object: string })[]>;
  /** Creates (no id) or updates a record, and gives its id. */
  save(object: string, id: string | null, values: Row): Promise<string>;
}

const invalid = (description: string) => new CtiFailure("INVALID_PARAM", description);

function text(params: Record<string, unknown>, key: string): string {
  const value = Object.hasOwn(params, key) ? params[key] : undefined;
  if (typeof value !== "string" || value.trim() === "")
    throw invalid(`${key} is required and must be a string.`);
  return value;
}

function flag(params: Record<string, unknown>, key: string): boolean {
  const value = Object.hasOwn(params, key) ? params[key] : undefined;
  if (typeof value !== "boolean") throw invalid(`${key} is required and must be a boolean.`);
  return value;
}

function pixels(params: Record<string, unknown>, key: string, bounds: { min: number; max: number }): number {
  const value = Object.hasOwn(params, key) ? params[key] : undefined;
  if (typeof value !== "number" || !Number.isFinite(value) || value < bounds.min || value > bounds.max) {
    throw invalid(`${key} must be a number from ${bounds.min} to ${bounds.max}.`);
  }
  return Math.round(value);
}

function object(params: Record<string, unknown>, key: string, actions: CtiActions): string {
  const name = text(params, key);
  if (!isObjectName(name) || !actions.knowsObject(name))
    throw invalid(`${key}: there is no object ${name.slice(0, 80)}.`);
  return name;
}

function iconKey(params: Record<string, unknown>): string {
  const key = text(params, "key");
  if (!/^[a-z0-9_]{1,60}$/.test(key)) throw invalid("key must be the name of a utility icon.");
  return key;
}

/** Values for the form of a new record; only field names with plain values are taken. */
function defaultsOf(value: unknown): Fields {
  if (value === undefined || value === null) return {};
  if (!isRecord(value)) throw invalid("defaultFieldValues must be an object.");
  const fields: Fields = {};
  for (const [key, each] of Object.entries(value)) {
    if (!isObjectName(key)) continue;
    if (typeof each === "string" || typeof each === "number" || typeof each === "boolean")
      fields[key] = String(each);
  }
  return fields;
}

/** The type of a pop for "do nothing", used only inside of `SCREEN_POP_DATA`. */
const NO_POP = "none";

function screenPop(args: Record<string, unknown>, actions: CtiActions): null {
  const type = text(args, "type").toLowerCase();
  if (type === NO_POP) return null;
  const params = args["params"];
  if (!isRecord(params)) throw invalid("params is required and must be an object.");
  switch (type) {
    case "sobject": {
      const id = text(params, "recordId");
      if (!isRecordId(id)) throw invalid(`recordId: ${id.slice(0, 40)} is not a record ID.`);
      actions.openRecord(id);
      return null;
    }
    case "newrecordmodal":
      actions.openNew(object(params, "entityName", actions), {
        ...defaultsOf(args["defaultFieldValues"]),
        ...defaultsOf(params["defaultFieldValues"]),
      });
      return null;
    case "search": {
      const searched = text(params, "searchString").trim();
      if ([...searched].length < 3) throw invalid("searchString must have at least 3 characters.");
      actions.openSearch(searched);
      return null;
    }
    case "objecthome":
      actions.openList(object(params, "scope", actions), "");
      return null;
    case "list":
      actions.openList(object(params, "scope", actions), text(params, "listViewId"));
      return null;
    case "url":
      actions.openPath(relativePath(text(params, "url"), actions.origin()));
      return null;
    case "flow":
      throw new CtiFailure(
        "GENERIC_ERROR",
        `There is no active flow named ${text(params, "flowDevName").slice(0, 80)}.`,
      );
    default:
      throw invalid(`type: ${type.slice(0, 40)} is not a SCREENPOP_TYPE.`);
  }
}

/** A path of this origin; an address that leads elsewhere, however it is written, is refused. */
export function relativePath(url: string, origin: string): string {
  const relative = url.startsWith("/") && URL.canParse(url, origin) ? new URL(url, origin) : null;
  if (relative === null || relative.origin !== origin)
    throw invalid("url must be a relative URL of this org.");
  return relative.pathname + relative.search + relative.hash;
}

const SECTIONS: Record<string, keyof SoftphoneLayout> = {
  inbound: "Inbound",
  outbound: "Outbound",
  internal: "Internal",
};

/** What the softphone layout says for a number of matches, as the argument of `screenPop`. */
export function popFor(
  found: { Id: string }[],
  section: LayoutSection | undefined,
  searched: string,
  defaults: Fields,
  flowArgs: unknown = [],
): Record<string, unknown> {
  const settings = section?.screenPopSettings;
  const nothing = { type: NO_POP, params: {} };
  const entity = (setting: ScreenPopSetting | undefined) =>
    setting?.screenPopType === "PopToEntity" && setting.screenPopData
      ? {
          type: "newRecordModal",
          params: { entityName: setting.screenPopData },
          ...(Object.keys(defaults).length > 0 ? { defaultFieldValues: defaults } : {}),
        }
      : null;
  const search = { type: "search", params: { searchString: searched } };
  const flow = (setting: ScreenPopSetting | undefined) =>
    setting?.screenPopType === "PopToFlow"
      ? { type: "flow", params: { flowDevName: setting.screenPopData ?? "", flowArgs } }
      : null;
  const first = found[0];
  if (first === undefined) {
    const setting = settings?.NoMatch;
    if (setting?.screenPopType === "PopToSearch") return search;
    return entity(setting) ?? flow(setting) ?? nothing;
  }
  if (found.length === 1) {
    const type = settings?.SingleMatch?.screenPopType;
    if (type === "NoPop") return nothing;
    if (type === "PopToFlow") return flow(settings?.SingleMatch) ?? nothing;
    return { type: "sobject", params: { recordId: first.Id } };
  }
  const setting = settings?.MultipleMatches;
  if (setting?.screenPopType === "PopToEntity") return entity(setting) ?? nothing;
  if (setting === undefined || setting.screenPopType === "PopToSearch") return search;
  return flow(setting) ?? nothing;
}

/** `params.FLOW.flowArgs` of a call, handed on to the flow that the layout names. */
function flowArgsOf(params: unknown): unknown {
  const flow = isRecord(params) ? (params["FLOW"] ?? params["flow"]) : undefined;
  return isRecord(flow) && Array.isArray(flow["flowArgs"]) ? flow["flowArgs"] : [];
}

async function searchAndScreenPop(args: Record<string, unknown>, actions: CtiActions): Promise<Row> {
  const searched = text(args, "searchParams").trim();
  const callType =
    args["callType"] === undefined || args["callType"] === null
      ? "inbound"
      : text(args, "callType").toLowerCase();
  const name = Object.hasOwn(SECTIONS, callType) ? SECTIONS[callType] : undefined;
  if (name === undefined) throw invalid(`callType: ${callType.slice(0, 40)} is not a CALL_TYPE.`);
  const defaults = defaultsOf(args["defaultFieldValues"]);
  if (args["deferred"] !== undefined && typeof args["deferred"] !== "boolean")
    throw invalid("deferred must be a boolean.");
  if (
    args["queryParams"] !== undefined &&
    args["queryParams"] !== null &&
    typeof args["queryParams"] !== "string"
  )
    throw invalid("queryParams must be a string.");
  const section = actions.softphoneLayout()[name];
  const layout = section?.objects ?? {};
  const chosen: Record<string, string[]> = {};
  for (const [objectName, fields] of Object.entries(layout)) {
    // As documented: of an object without chosen fields nothing is returned.
    if (isObjectName(objectName) && fields.length > 0)
      chosen[objectName] = fields.map((field) => field.apiName);
  }
  const found = Object.keys(chosen).length === 0 ? [] : await actions.search(searched, chosen);
  const result: Row = {};
  for (const { object: type, ...row } of found) result[row.Id] = { ...row, RecordType: type };
  const pop = popFor(found, section, searched, defaults, flowArgsOf(args["params"]));
  if (args["deferred"] === true) result["SCREEN_POP_DATA"] = pop;
  else if (name === "Inbound") screenPop(pop, actions);
  return result;
}

async function saveLog(args: Record<string, unknown>, actions: CtiActions): Promise<string> {
  const value = args["value"];
  if (!isRecord(value)) throw invalid("value is required and must be an object.");
  const { entityApiName, Id, ...rest } = value;
  const values = Object.fromEntries(Object.entries(rest).filter(([key]) => isObjectName(key)));
  if (typeof Id === "string" && Id !== "") {
    if (!isRecordId(Id)) throw invalid(`Id: ${Id.slice(0, 40)} is not a record ID.`);
    return actions.save(typeof entityApiName === "string" ? entityApiName : "", Id, values);
  }
  return actions.save(object({ entityApiName }, "entityApiName", actions), null, values);
}

const notEnabled = () => {
  throw new CtiFailure("GENERIC_ERROR", "Sales Engagement is not enabled in this org.");
};

export function createCtiMethods(actions: CtiActions): CtiMethods {
  const done = (work: () => void) => {
    work();
    return null;
  };
  return {
    getCallCenterSettings: () => {
      const settings = actions.callCenterSettings();
      if (settings === null)
        throw new CtiFailure("GENERIC_ERROR", "The user is not assigned to a call center.");
      return settings;
    },
    getSoftphoneLayout: () => actions.softphoneLayout(),
    getAppViewInfo: () => actions.viewInfo(),
    screenPop: (args) => screenPop(args, actions),
    searchAndScreenPop: (args) => searchAndScreenPop(args, actions),
    saveLog: (args) => saveLog(args, actions),
    refreshView: async () => {
      await actions.refreshView();
      return null;
    },
    notifyInitializationComplete: () => done(() => actions.initialized()),
    isSoftphonePanelVisible: () => ({ visible: actions.panelVisible() }),
    setSoftphonePanelVisibility: (args) =>
      done(() => actions.changePanel({ visible: flag(args, "visible") })),
    setSoftphoneItemLabel: (args) =>
      done(() => actions.changePanel({ itemLabel: text(args, "label").slice(0, 80) })),
    setSoftphoneItemIcon: (args) => done(() => actions.changePanel({ itemIcon: iconKey(args) })),
    setSoftphonePanelLabel: (args) =>
      done(() => actions.changePanel({ panelLabel: text(args, "label").slice(0, 80) })),
    setSoftphonePanelIcon: (args) => done(() => actions.changePanel({ panelIcon: iconKey(args) })),
    setSoftphonePanelHeight: (args) =>
      done(() => actions.changePanel({ heightPx: pixels(args, "heightPX", HEIGHT_PX) })),
    setSoftphonePanelWidth: (args) =>
      done(() => actions.changePanel({ widthPx: pixels(args, "widthPX", WIDTH_PX) })),
    enableClickToDial: () => done(() => actions.changePanel({ clickToDial: true })),
    disableClickToDial: () => done(() => actions.changePanel({ clickToDial: false })),
    runApex: (args) => {
      text(args, "methodName");
      if (args["methodParams"] !== undefined && typeof args["methodParams"] !== "string")
        throw invalid("methodParams must be a query string.");
      throw new CtiFailure(
        "GENERIC_ERROR",
        `The Apex class ${text(args, "apexClass").slice(0, 80)} could not be loaded.`,
      );
    },
    "hvs.completeWork": notEnabled,
    "hvs.onWorkStart": notEnabled,
  };
}
