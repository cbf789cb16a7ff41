// @vitest-environment happy-dom
import { beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { navigate, place, startRouter } from "../router.ts";
import {
  below,
  closeDialog,
  closeTab,
  dialogs,
  openNew,
  setUnsaved,
  startWorkspace,
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
      { id: EMMA, object: "Contact", title: "" },
      { id: TARO, object: "Contact", title: "田中 太郎" },
    ]);
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
    expect(openTabs().length).toBeLessThanOrEqual(12);
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
