// @vitest-environment happy-dom
import { beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { navigate, place, startRouter } from "../router.ts";
import { app } from "../data/apps.ts";
import type { AppInfo } from "../data/types.ts";
import { MOST_TABS } from "./tabs.ts";
import {
  below,
  closeDialog,
  closeTab,
  closeTabs,
  dialogs,
  openNew,
  pinTab,
  reopenTab,
  setUnsaved,
  startWorkspace,
  stepTab,
  tabs,
  titleTab,
} from "./workspace.ts";

const EMMA = "003000000000001AAA";
const TARO = "003000000000002AAA";

const address = () => window.location.pathname;
const openTabs = () => tabs.get().map((tab) => tab.id);
const openForms = () => dialogs.get().map((dialog) => dialog.defaults);

beforeAll(() => {
  // The org never answers here: what is open does not depend on it.
  vi.stubGlobal("fetch", () => new Promise(() => undefined));
  startWorkspace();
  startRouter();
});

beforeEach(() => {
  for (const dialog of dialogs.get()) closeDialog(dialog.key);
  for (const id of openTabs()) closeTab(id);
  navigate({ page: "list", object: "Contact", filter: "" });
});

describe("tabs", () => {
  it("open with a record, once, and are remembered for a reload", () => {
    navigate({ page: "record", object: "Contact", id: EMMA });
    navigate({ page: "record", object: "", id: TARO });
    navigate({ page: "record", object: "Contact", id: EMMA });
    titleTab(TARO, "田中 太郎");
    expect(openTabs()).toEqual([EMMA, TARO]);
    expect(JSON.parse(sessionStorage.getItem("console-tabs") ?? "[]")).toEqual([
      { id: EMMA, object: "Contact", title: "", pinned: false, shown: EMMA, subtabs: [] },
      { id: TARO, object: "Contact", title: "田中 太郎", pinned: false, shown: TARO, subtabs: [] },
    ]);
  });

  it("that lead nowhere are not remembered, unless the record comes back", () => {
    const remembered = () => JSON.parse(sessionStorage.getItem("console-tabs") ?? "[]") as { id: string }[];
    navigate({ page: "record", object: "Contact", id: EMMA });
    navigate({ page: "record", object: "Contact", id: TARO });
    titleTab(TARO, "Not found", { missing: true });
    expect(openTabs()).toEqual([EMMA, TARO]);
    expect(remembered().map((tab) => tab.id)).toEqual([EMMA]);
    titleTab(TARO, "田中 太郎");
    expect(remembered().map((tab) => tab.id)).toEqual([EMMA, TARO]);
  });

  it("give way to their neighbour, then to the list, when they are closed", () => {
    navigate({ page: "record", object: "Contact", id: EMMA });
    navigate({ page: "record", object: "Contact", id: TARO });
    closeTab(TARO);
    expect(address()).toBe(`/lightning/r/Contact/${EMMA}/view`);
    closeTab(EMMA);
    expect(address()).toBe("/lightning/o/Contact/list");
    expect(openTabs()).toEqual([]);
  });

  it("with edits survive when many others are opened", () => {
    navigate({ page: "record", object: "Contact", id: EMMA });
    setUnsaved(EMMA, true);
    for (let index = 10; index < 40; index += 1) {
      navigate({ page: "record", object: "Contact", id: `0030000000000${index}AAA` });
    }
    expect(openTabs()).toContain(EMMA);
    expect(openTabs().length).toBeLessThanOrEqual(MOST_TABS);
  });
});

describe("subtabs", () => {
  const ACME = "001000000000001AAA";
  const under = (id: string) =>
    ({ page: "record", object: "Contact", id, parent: { object: "Account", id: ACME } }) as const;

  it("open under the record they were opened from, and say so in the address", () => {
    navigate({ page: "record", object: "Account", id: ACME });
    navigate(under(EMMA));
    expect(openTabs()).toEqual([ACME]);
    expect(tabs.get()[0]).toMatchObject({ shown: EMMA, subtabs: [{ id: EMMA }] });
    expect(window.location.search).toBe(`?ws=${encodeURIComponent(`/lightning/r/Account/${ACME}/view`)}`);
  });

  it("bring their workspace tab with them when it is not open", () => {
    navigate(under(EMMA));
    expect(openTabs()).toEqual([ACME]);
    expect(below.get()).toMatchObject({ id: EMMA, parent: { id: ACME } });
  });

  it("are found where they are open, whichever way the record is opened again", () => {
    navigate(under(EMMA));
    navigate({ page: "record", object: "Contact", id: TARO });
    navigate({ page: "record", object: "Contact", id: EMMA });
    expect(openTabs()).toEqual([ACME, TARO]);
    expect(below.get()).toMatchObject({ id: EMMA, parent: { id: ACME } });
    expect(window.location.search).toContain("ws=");
  });

  it("give way to their neighbour, then to the workspace tab's own record", () => {
    navigate(under(EMMA));
    navigate(under(TARO));
    closeTab(TARO);
    expect(below.get()).toMatchObject({ id: EMMA });
    closeTab(EMMA);
    expect(address()).toBe(`/lightning/r/Account/${ACME}/view`);
    expect(tabs.get()[0]?.subtabs).toEqual([]);
  });

  it("close with their workspace tab, which comes back as it was", () => {
    navigate(under(EMMA));
    closeTab(ACME);
    expect(address()).toBe("/lightning/o/Account/list");
    reopenTab();
    expect(below.get()).toMatchObject({ id: EMMA, parent: { id: ACME } });
  });
});

describe("many tabs", () => {
  it("close but the one in front, the pinned and the edited", () => {
    const ids = Array.from({ length: 5 }, (_, index) => `00300000000002${index}AAA`);
    for (const id of ids) navigate({ page: "record", object: "Contact", id });
    pinTab(ids[3] ?? "", true);
    setUnsaved(ids[0] ?? "", true);
    expect(openTabs()[0]).toBe(ids[3]);
    closeTabs(ids[1]);
    expect(openTabs()).toEqual([ids[3], ids[0], ids[1]]);
    expect(address()).toContain(ids[1]);
    closeTabs();
    expect(openTabs()).toEqual([ids[3], ids[0]]);
  });

  it("are stepped through round and round", () => {
    navigate({ page: "record", object: "Contact", id: EMMA });
    navigate({ page: "record", object: "Contact", id: TARO });
    stepTab(1);
    expect(below.get()).toMatchObject({ id: EMMA });
    stepTab(-1);
    expect(below.get()).toMatchObject({ id: TARO });
  });
});

describe("a standard app", () => {
  const sales: AppInfo = {
    id: "",
    name: "Sales",
    label: "",
    description: "",
    nav_type: "Standard",
    items: ["Lead"],
    utility_items: [],
  };

  it("keeps no record open but the one shown and those with edits", () => {
    const before = app.get();
    app.set(sales);
    expect(address()).toBe("/lightning/o/Lead/list");
    navigate({ page: "record", object: "Contact", id: EMMA });
    navigate({ page: "record", object: "Contact", id: TARO, parent: { object: "Contact", id: EMMA } });
    expect(openTabs()).toEqual([TARO]);
    expect(window.location.search).toBe("");
    setUnsaved(TARO, true);
    navigate({ page: "home" });
    expect(openTabs()).toEqual([TARO]);
    setUnsaved(TARO, false);
    navigate({ page: "list", object: "Lead", filter: "" });
    expect(openTabs()).toEqual([]);
    app.set(before);
  });

  it("opens with its first item, also where that is a tab of components", () => {
    const before = app.get();
    app.set({ ...sales, items: ["tab:Settings", "Lead"] });
    expect(address()).toBe("/lightning/n/Settings");
    app.set(before);
  });
});

describe("the form for a new record", () => {
  it("stands above the page that was open, and leaves it there", () => {
    navigate({ page: "record", object: "Contact", id: EMMA });
    openNew("Contact", { Phone: "+1 415" });
    expect(address()).toBe("/lightning/o/Contact/new");
    expect(below.get()).toMatchObject({ page: "record", id: EMMA });
    closeDialog(dialogs.get()[0]?.key ?? 0);
    expect(address()).toBe(`/lightning/r/Contact/${EMMA}/view`);
  });

  it("is not opened twice for one caller", () => {
    openNew("Contact", { Phone: "+1 415" });
    openNew("Contact", { Phone: "+1 415" });
    expect(openForms()).toEqual([{ Phone: "+1 415" }]);
  });

  it("makes room for the next caller when nobody typed into it", () => {
    openNew("Contact", { Phone: "1" });
    openNew("Contact", { Phone: "2" });
    expect(openForms()).toEqual([{ Phone: "2" }]);
  });

  it("stays beneath the next one, and above a record that pops, when somebody typed into it", () => {
    openNew("Contact", { Phone: "1" });
    setUnsaved(dialogs.get()[0]?.key ?? 0, true);
    openNew("Contact", { Phone: "2" });
    expect(openForms()).toEqual([{ Phone: "1" }, { Phone: "2" }]);
    navigate({ page: "record", object: "Contact", id: TARO });
    expect(openForms()).toEqual([{ Phone: "1" }]);
    expect(place.get().route).toMatchObject({ page: "record", id: TARO });
  });
});
