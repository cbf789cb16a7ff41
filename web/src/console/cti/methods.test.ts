import { describe, expect, it } from "vitest";
import type { SoftphoneLayout } from "../data/types.ts";
import { CtiFailure } from "./host.ts";
import { createCtiMethods, popFor, relativePath, type CtiActions } from "./methods.ts";

const ID = "003000000000001AAA";
const OTHER = "003000000000002AAA";
const LAYOUT: SoftphoneLayout = {
  Inbound: {
    objects: { Contact: [{ displayName: "Name", apiName: "Name" }] },
    screenPopSettings: {
      NoMatch: { screenPopType: "PopToEntity", screenPopData: "Contact" },
      SingleMatch: {},
      MultipleMatches: { screenPopType: "PopToSearch" },
    },
  },
  Outbound: { objects: { Contact: [{ displayName: "Name", apiName: "Name" }] }, screenPopSettings: {} },
};

/** The console as a list of what it was told to do. */
function aConsole(found: { Id: string }[] = []) {
  const told: unknown[][] = [];
  const note =
    (name: string) =>
    (...args: unknown[]) =>
      void told.push([name, ...args]);
  const actions: CtiActions = {
    openRecord: note("openRecord"),
    openNew: note("openNew"),
    openSearch: note("openSearch"),
    openList: note("openList"),
    openPath: note("openPath"),
    knowsObject: (name) => ["Contact", "Account", "Task"].includes(name),
    origin: () => "http://acme.lightning.localhost:8401",
    viewInfo: () => Promise.resolve({ url: "http://acme.lightning.localhost:8401/lightning/page/home" }),
    refreshView: () => Promise.resolve(note("refreshView")()),
    callCenterSettings: () => ({ "/reqGeneralInfo/reqInternalName": "Tieline" }),
    softphoneLayout: () => LAYOUT,
    panelVisible: () => true,
    initialized: note("initialized"),
    changePanel: note("changePanel"),
    search: (text, objects) => {
      note("search")(text, objects);
      return Promise.resolve(found.map((each) => ({ ...each, Name: "Emma Johnson", object: "Contact" })));
    },
    save: (object, id, values) => {
      note("save")(object, id, values);
      return Promise.resolve(id ?? "00T000000000001AAA");
    },
  };
  return { told, methods: createCtiMethods(actions) };
}

async function call(
  methods: ReturnType<typeof createCtiMethods>,
  name: string,
  params: Record<string, unknown> = {},
) {
  return (await methods[name]?.(params)) as Record<string, unknown>;
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof CtiFailure) return error.code;
  }
  return "none";
}

describe("screenPop", () => {
  it.each([
    [{ type: "sobject", params: { recordId: ID } }, ["openRecord", ID]],
    [{ type: "SOBJECT", params: { recordId: ID } }, ["openRecord", ID]],
    [
      { type: "newRecordModal", params: { entityName: "Contact", defaultFieldValues: { Phone: "+1 415" } } },
      ["openNew", "Contact", { Phone: "+1 415" }],
    ],
    [
      {
        type: "newRecordModal",
        params: { entityName: "Contact" },
        defaultFieldValues: { LastName: "Sato", Age: 3 },
      },
      ["openNew", "Contact", { LastName: "Sato", Age: "3" }],
    ],
    [{ type: "search", params: { searchString: " 4155550100 " } }, ["openSearch", "4155550100"]],
    [{ type: "search", params: { searchString: "田中陽" } }, ["openSearch", "田中陽"]],
    [{ type: "objecthome", params: { scope: "Account" } }, ["openList", "Account", ""]],
    [{ type: "list", params: { scope: "Contact", listViewId: "Recent" } }, ["openList", "Contact", "Recent"]],
    [
      { type: "url", params: { url: "/lightning/page/home?x=1#y" } },
      ["openPath", "/lightning/page/home?x=1#y"],
    ],
  ])("%j opens the page at once", async (args, expected) => {
    const { told, methods } = aConsole();
    await call(methods, "screenPop", args);
    expect(told).toEqual([expected]);
  });

  it.each([
    {},
    { type: "sobject" },
    { type: "sobject", params: {} },
    { type: "sobject", params: { recordId: "not an id" } },
    { type: "sobject", params: { recordId: { toString: "003" } } },
    { type: "search", params: { searchString: "ab" } },
    { type: "search", params: { searchString: "  a  " } },
    { type: "newRecordModal", params: { entityName: "Nothing__c" } },
    { type: "newRecordModal", params: { entityName: "__proto__" } },
    { type: "newRecordModal", params: { entityName: "Contact" }, defaultFieldValues: "LastName=x" },
    { type: "objecthome", params: {} },
    { type: "list", params: { scope: "Contact" } },
    { type: "url", params: { url: "https://evil.example/" } },
    { type: "somewhere", params: {} },
  ])("refuses %j with INVALID_PARAM and opens nothing", async (args) => {
    const { told, methods } = aConsole();
    expect(await codeOf(call(methods, "screenPop", args))).toBe("INVALID_PARAM");
    expect(told).toEqual([]);
  });

  it("takes no field from a prototype key", async () => {
    const { told, methods } = aConsole();
    const defaults: unknown = JSON.parse('{"__proto__": "x", "constructor": "y", "LastName": "z"}');
    await call(methods, "screenPop", {
      type: "newRecordModal",
      params: { entityName: "Contact" },
      defaultFieldValues: defaults,
    });
    expect(told).toEqual([["openNew", "Contact", { LastName: "z" }]]);
  });

  it("has no flows", async () => {
    const { methods } = aConsole();
    const flow = call(methods, "screenPop", { type: "flow", params: { flowDevName: "Caller" } });
    expect(await codeOf(flow)).toBe("GENERIC_ERROR");
  });
});

describe("relative addresses", () => {
  const origin = "http://acme.lightning.localhost:8401";
  it.each([
    "//evil.example/x",
    "/\\evil.example",
    "javascript:alert(1)",
    "http:evil.example",
    "lightning",
    "/\t/evil.example",
  ])("do not include %j", (url) => expect(() => relativePath(url, origin)).toThrow(CtiFailure));
});

describe("searchAndScreenPop", () => {
  const inbound = { searchParams: "4155550101", callType: "inbound" };

  it("opens the record of one match and answers with its fields", async () => {
    const { told, methods } = aConsole([{ Id: ID }]);
    const result = await call(methods, "searchAndScreenPop", inbound);
    expect(result).toEqual({ [ID]: { Id: ID, Name: "Emma Johnson", RecordType: "Contact" } });
    expect(told).toEqual([
      ["search", "4155550101", { Contact: ["Name"] }],
      ["openRecord", ID],
    ]);
  });

  it("opens the form of the layout for no match, with the default values", async () => {
    const { told, methods } = aConsole();
    await call(methods, "searchAndScreenPop", { ...inbound, defaultFieldValues: { Phone: "4155550101" } });
    expect(told.at(-1)).toEqual(["openNew", "Contact", { Phone: "4155550101" }]);
  });

  it("opens the search page for several", async () => {
    const { told, methods } = aConsole([{ Id: ID }, { Id: OTHER }]);
    await call(methods, "searchAndScreenPop", inbound);
    expect(told.at(-1)).toEqual(["openSearch", "4155550101"]);
  });

  it("deferred moves nothing, and its data can be given to screenPop as it is", async () => {
    const { told, methods } = aConsole([{ Id: ID }]);
    const result = await call(methods, "searchAndScreenPop", { ...inbound, deferred: true });
    expect(told).toHaveLength(1);
    await call(methods, "screenPop", result["SCREEN_POP_DATA"] as Record<string, unknown>);
    expect(told.at(-1)).toEqual(["openRecord", ID]);
  });

  it("does not move the page for outbound and internal calls", async () => {
    const { told, methods } = aConsole([{ Id: ID }]);
    await call(methods, "searchAndScreenPop", { ...inbound, callType: "outbound" });
    expect(told.map(([name]) => name)).toEqual(["search"]);
  });

  it("refuses an unknown call type", async () => {
    const { methods } = aConsole();
    expect(await codeOf(call(methods, "searchAndScreenPop", { ...inbound, callType: "toString" }))).toBe(
      "INVALID_PARAM",
    );
  });

  it("pops nothing where the layout says so", () => {
    expect(popFor([], { screenPopSettings: {} }, "x", {})).toMatchObject({ type: "none" });
    const section = { screenPopSettings: { SingleMatch: { screenPopType: "NoPop" } } };
    expect(popFor([{ Id: ID }], section, "x", {})).toMatchObject({ type: "none" });
  });
});

describe("the panel", () => {
  it.each([
    ["setSoftphonePanelHeight", { heightPX: 239 }],
    ["setSoftphonePanelHeight", { heightPX: 2561 }],
    ["setSoftphonePanelHeight", { heightPX: "480" }],
    ["setSoftphonePanelWidth", { widthPX: 199 }],
    ["setSoftphonePanelWidth", { widthPX: 1921 }],
    ["setSoftphonePanelVisibility", { visible: "true" }],
    ["setSoftphoneItemLabel", {}],
    ["setSoftphoneItemIcon", { key: "../x" }],
  ])("%s refuses %j", async (method, params) => {
    const { told, methods } = aConsole();
    expect(await codeOf(call(methods, method, params))).toBe("INVALID_PARAM");
    expect(told).toEqual([]);
  });

  it("changes at its bounds", async () => {
    const { told, methods } = aConsole();
    await call(methods, "setSoftphonePanelHeight", { heightPX: 2560 });
    await call(methods, "setSoftphonePanelWidth", { widthPX: 200 });
    await call(methods, "setSoftphoneItemIcon", { key: "incoming_call" });
    expect(told).toEqual([
      ["changePanel", { heightPx: 2560 }],
      ["changePanel", { widthPx: 200 }],
      ["changePanel", { itemIcon: "incoming_call" }],
    ]);
  });
});

describe("saveLog", () => {
  it("creates by object name and updates by id", async () => {
    const { told, methods } = aConsole();
    await call(methods, "saveLog", { value: { entityApiName: "Task", Subject: "Call", WhoId: ID } });
    await call(methods, "saveLog", { value: { Id: "00T000000000001AAA", Subject: "Call 2" } });
    expect(told).toEqual([
      ["save", "Task", null, { Subject: "Call", WhoId: ID }],
      ["save", "", "00T000000000001AAA", { Subject: "Call 2" }],
    ]);
  });

  it("refuses a log of nothing", async () => {
    const { methods } = aConsole();
    for (const value of [undefined, "Task", {}, { entityApiName: "Nothing__c" }, { Id: "x" }]) {
      expect(await codeOf(call(methods, "saveLog", { value }))).toBe("INVALID_PARAM");
    }
  });
});

describe("what layouts and org say besides", () => {
  const flow = { screenPopType: "PopToFlow", screenPopData: "Caller" };

  it.each([
    ["NoMatch", []],
    ["SingleMatch", [{ Id: ID }]],
    ["MultipleMatches", [{ Id: ID }, { Id: OTHER }]],
  ] as const)("%s pops to the flow that the layout names, with the call's arguments", (match, found) => {
    const args = [{ name: "number", type: "String", value: "+1" }];
    expect(popFor([...found], { screenPopSettings: { [match]: flow } }, "555", {}, args)).toEqual({
      type: "flow",
      params: { flowDevName: "Caller", flowArgs: args },
    });
  });

  it("a flow that is not active is answered as an error", async () => {
    const { methods } = aConsole();
    const args = { type: "flow", params: { flowDevName: "Caller", flowArgs: [] } };
    expect(await codeOf(call(methods, "screenPop", args))).toBe("GENERIC_ERROR");
  });

  it("a softphone that has started is noted", async () => {
    const { told, methods } = aConsole();
    await call(methods, "notifyInitializationComplete");
    expect(told).toEqual([["initialized"]]);
  });

  it.each([
    ["runApex", { apexClass: "A" }],
    ["runApex", { apexClass: "A", methodName: "m", methodParams: {} }],
    ["searchAndScreenPop", { searchParams: "555", deferred: "yes" }],
    ["searchAndScreenPop", { searchParams: "555", queryParams: {} }],
  ])("%s refuses %j", async (method, args) => {
    const { methods } = aConsole();
    expect(await codeOf(call(methods, method, args))).toBe("INVALID_PARAM");
  });

  it("Sales Engagement is not enabled", async () => {
    const { methods } = aConsole();
    expect(await codeOf(call(methods, "hvs.completeWork", { workId: "x" }))).toBe("GENERIC_ERROR");
  });
});
