import { expect, test } from "vitest";
import { linkIn, pageFor, readParams, shareUrl } from "./params.ts";

test("an address without parameters gives the defaults", () => {
  expect(readParams("")).toEqual({ app: "peerloom", profile: undefined, maxConnections: undefined, p2p: false });
});

test("parameters are read", () => {
  expect(readParams("?app=story&profile=2&maxConnections=12&p2p=on")).toEqual({ app: "story", profile: "2", maxConnections: 12, p2p: true });
});

test.each(["0", "-1", "1.5", "many", "501", ""])("maxConnections=%s counts as absent", (text) => {
  expect(readParams(`?maxConnections=${text}`).maxConnections).toBeUndefined();
});

test("a name beyond its bound counts as absent", () => {
  expect(readParams(`?app=${"a".repeat(65)}&profile=`)).toMatchObject({ app: "peerloom", profile: undefined });
});

test("a share link is told from the app's own pages", () => {
  expect(linkIn("#peerloom=abc.def")).toBe("#peerloom=abc.def");
  expect(linkIn("#peerloom=")).toBeNull();
  expect(linkIn("#/log")).toBeNull();
  expect(linkIn("")).toBeNull();
});

test("a shared address stays in its room", () => {
  const room = "#room=AAECAwQFBgcICQoLDA0ODw";
  const page = new URL(`https://a.example/?profile=2${room}/log`);
  expect(shareUrl(page, "#peerloom=abc.def")).toBe(`https://a.example/${room}&peerloom=abc.def`);
  expect(linkIn(`${room}&peerloom=abc.def`)).toBe("#peerloom=abc.def");
  expect(pageFor(page).href).toBe(`https://a.example/${room}`);
});

test("a shared address keeps the namespace and drops what belongs to this tab", () => {
  const page = new URL("https://a.example/x/?app=story&profile=2&p2p=on#/log");
  expect(shareUrl(page, "#peerloom=abc.def")).toBe("https://a.example/x/?app=story#peerloom=abc.def");
  expect(pageFor(page).href).toBe("https://a.example/x/?app=story");
});
