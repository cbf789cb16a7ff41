import { describe, expect, it } from "vitest";
import { formatDefaults, parseDefaults, parseFragment, parseRoute, pathOf, type Route } from "./router.ts";

const ID = "003000000000001AAA";

describe("addresses of the console", () => {
  it("are read back as they were built", () => {
    const routes: Route[] = [
      { page: "home" },
      { page: "list", object: "Contact", filter: "" },
      { page: "list", object: "Lead", filter: "Recent" },
      { page: "record", object: "Contact", id: ID },
      { page: "record", object: "", id: ID },
      { page: "record", object: "Tieline_Session_History__c", id: ID },
      { page: "related", object: "Account", id: ID, name: "Contacts" },
      { page: "related", object: "Account", id: ID, name: "Site__c.Account__c" },
      { page: "bin" },
      { page: "new", object: "Contact", defaults: {} },
      {
        page: "new",
        object: "Contact",
        defaults: { LastName: "O'Neil, Jr. = 山田&", Phone: "+81 3-4567-0100" },
      },
      { page: "search", text: "田中 & +1 (415) 555" },
    ];
    routes.push(
      { page: "record", object: "Contact", id: ID, parent: { object: "Account", id: "001000000000001AAA" } },
      { page: "record", object: "", id: ID, parent: { object: "", id: "001000000000001AAA" } },
      { page: "search", text: "a", object: "Lead" },
    );
    for (const route of routes) expect(parseRoute(pathOf(route))).toEqual(route);
  });

  it("lead home when they name nothing", () => {
    for (const path of ["/", "/lightning", "/lightning/", "/lightning/page/home"]) {
      expect(parseRoute(path)).toEqual({ page: "home" });
    }
  });

  it("name no workspace tab that is no record's, or the record's own", () => {
    for (const ws of [
      "/lightning/page/home",
      "https://evil.example/",
      `/lightning/r/Contact/${ID}/view`,
      "x",
    ]) {
      expect(parseRoute(`/lightning/r/Contact/${ID}/view?ws=${encodeURIComponent(ws)}`)).toEqual({
        page: "record",
        object: "Contact",
        id: ID,
      });
    }
  });

  it("of Lightning's first years are understood", () => {
    expect(parseFragment(`#/sObject/${ID}/view`)).toEqual({ page: "record", object: "", id: ID });
    expect(parseFragment("#/sObject/Contact/list?filterName=Recent")).toMatchObject({ page: "list" });
    expect(parseFragment("#/home")).toEqual({ page: "home" });
    for (const fragment of ["", "#main", "#/n/Tab", "#/sObject"]) expect(parseFragment(fragment)).toBeNull();
  });

  it("are unknown when they are of no page, of no object or of no id", () => {
    for (const path of [
      "/003000000000001",
      "/lightning/r/Contact/short/view",
      "/lightning/r/Contact/003000000000001AAA/edit",
      "/lightning/r/Contact/003000000000001AAA/related/no way/view",
      "/lightning/o/__proto__/list",
      "/lightning/o/constructor/list",
      "/lightning/o/Con tact/list",
      "/home/home.jsp",
    ]) {
      expect(parseRoute(path).page).toBe("unknown");
    }
  });
});

describe("default field values", () => {
  it("keep commas, signs and Japanese", () => {
    const values = { LastName: "a,b=c", Description: "山田 & 50%" };
    expect(parseDefaults(formatDefaults(values))).toEqual(values);
  });

  it("leave out what is no field name", () => {
    expect(parseDefaults("__proto__=x,constructor=y,=z,Phone,Last Name=q,Phone=1")).toEqual({ Phone: "1" });
    expect(parseDefaults(null)).toEqual({});
  });

  it("take the record type that an address names", () => {
    expect(parseRoute("/lightning/o/Case/new?recordTypeId=012000000000001AAA")).toEqual({
      page: "new",
      object: "Case",
      defaults: { RecordTypeId: "012000000000001AAA" },
    });
  });

  it("take a lone percent sign as itself", () => {
    expect(parseDefaults("Title=50%")).toEqual({ Title: "50%" });
  });
});
