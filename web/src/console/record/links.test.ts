import { describe, expect, it } from "vitest";
import { pieces } from "./links.ts";

const urls = (text: string) => pieces(text).flatMap((piece) => (piece.url === null ? [] : [piece.url]));

describe("addresses in a text", () => {
  it("are found between other words, without the end of the sentence", () => {
    expect(urls("See http://a.example/x?y=1. Then (https://b.example/z), end")).toEqual([
      "http://a.example/x?y=1",
      "https://b.example/z",
    ]);
    expect(urls("記録:http://a.example/記録。以上")).toEqual(["http://a.example/記録"]);
  });

  it("are only those of the web", () => {
    expect(urls("javascript:alert(1) data:text/html,x ftp://a.example file:///etc http://")).toEqual([]);
  });

  it("and what is between make the text again", () => {
    for (const text of ["", "plain", "http://a.example", "a http://a.example, b\nhttps://c.example!"]) {
      expect(
        pieces(text)
          .map((piece) => piece.text)
          .join(""),
      ).toBe(text);
    }
  });
});
