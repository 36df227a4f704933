import { describe, expect, it } from "vitest";

import { formatLink, parseLink } from "./share-link.ts";
import type { ContentId } from "./types.ts";

const ID = "0123456789abcdef".repeat(4) as ContentId;
const KEY = Uint8Array.from({ length: 32 }, (_, i) => 255 - i);

describe("share links", () => {
  it("carry the id and the key there and back", () => {
    expect(parseLink(formatLink(ID, KEY))).toEqual({ id: ID, key: KEY });
  });

  it("have no key part for what is not encrypted", () => {
    expect(formatLink(ID, null)).toBe(`#peerloom=${ID}`);
    expect(parseLink(`#peerloom=${ID}`)).toEqual({ id: ID, key: null });
  });

  it("have this form, which others have written down", () => {
    expect(formatLink(ID, KEY)).toBe(`#peerloom=${ID}.__79_Pv6-fj39vX08_Lx8O_u7ezr6uno5-bl5OPi4eA`);
  });

  it("are found at the end of an address, with space around it", () => {
    expect(parseLink(`  https://example.org/app?x=1${formatLink(ID, KEY)}\n`)).toEqual({ id: ID, key: KEY });
  });

  it("can be a bare content id", () => {
    expect(parseLink(ID)).toEqual({ id: ID, key: null });
  });

  it.each([
    ["nothing", ""],
    ["a word", "garbage"],
    ["an id that is too short", ID.slice(1)],
    ["an id in capitals", ID.toUpperCase()],
    ["another fragment", `#other=${ID}`],
    ["a key that is too short", `#peerloom=${ID}.abc`],
    ["a key of other letters", `#peerloom=${ID}.${"!".repeat(43)}`],
    ["something after the key", `${formatLink(ID, KEY)}x`],
    ["an empty key", `#peerloom=${ID}.`],
    ["undefined", undefined],
    ["a number", 7],
  ])("are refused as bad input: %s", (_, what) => {
    expect(() => parseLink(what)).toThrow(expect.objectContaining({ code: "BAD_INPUT" }));
  });
});
