// @vitest-environment happy-dom
import { afterEach, describe, expect, it } from "vitest";
import { BINDINGS, isTyping, keyName, read } from "./hotkeys.ts";

describe("keys", () => {
  it("are read one after the other", () => {
    expect(read(["g"], true)).toBe("more");
    expect(read(["g", "u"], true)).toBe("go.utility");
    expect(read(["g", "x"], true)).toBeNull();
    expect(read(["Shift+T"], true)).toBe("reopen");
  });

  it("of tabs mean nothing where there are none", () => {
    expect(read(["w"], false)).toBeNull();
    expect(read(["g", "t"], false)).toBeNull();
    expect(read(["/"], false)).toBe("search");
  });

  it("never begin as another whole binding", () => {
    for (const binding of BINDINGS)
      for (let length = 1; length < binding.keys.length; length += 1)
        expect(read(binding.keys.slice(0, length), true)).toBe("more");
  });

  it("are named with Shift only for letters", () => {
    expect(keyName({ key: "W", shiftKey: true })).toBe("Shift+W");
    expect(keyName({ key: "?", shiftKey: true })).toBe("?");
    expect(keyName({ key: "w", shiftKey: false })).toBe("w");
    expect(keyName({ key: "Enter", shiftKey: true })).toBe("Enter");
  });
});

describe("typing", () => {
  afterEach(() => {
    document.body.replaceChildren();
  });

  it("is what happens in fields, dialogs and menus, not on boxes to tick", () => {
    document.body.innerHTML =
      '<input id="a"><input id="b" type="checkbox"><textarea id="c"></textarea>' +
      '<div role="dialog"><button id="d"></button></div><main id="e"></main>';
    const at = (id: string) => isTyping(document.getElementById(id));
    expect([at("a"), at("b"), at("c"), at("d"), at("e")]).toEqual([true, false, true, true, false]);
    expect(isTyping(null)).toBe(false);
  });
});
