import { readFileSync } from "node:fs";

import { expect, test, vi } from "vitest";

import { SwarmError } from "./errors.ts";
import { toHex } from "./hex.ts";
import { checkOptions } from "./options.ts";
import { toServerPath } from "./paths.ts";
import { Servers, rendezvous, sealingKey, socketAddress } from "./rendezvous.ts";

const PAGE = readFileSync(new URL("../../docs/protocol/rendezvous.md", import.meta.url), "utf8");

test("the key of a swarm is the one of the protocol's test vectors", async () => {
  const key = toHex(new Uint8Array(await sealingKey("example")));
  expect(PAGE).toContain(`| \`key of example\` | \`${key}\` |`);
});

test("what one peer of a swarm seals the others open, and nobody else", async () => {
  const [one, other] = [await Servers.of(["wss://a.example"], "notes"), await Servers.of(["wss://b.example"], "notes")];
  const plain = new TextEncoder().encode("an offer");
  const sealed = await one.seal(plain);
  expect(sealed).toHaveLength(plain.length + 28);
  expect(await one.seal(plain)).not.toEqual(sealed);
  expect(await other.unseal(sealed)).toEqual(plain);
  const stranger = await Servers.of(["wss://a.example"], "feed");
  await expect(stranger.unseal(sealed)).rejects.toThrow();
  const bent = sealed.map((byte, at) => (at === 20 ? byte ^ 1 : byte));
  await expect(other.unseal(bent)).rejects.toThrow();
  await expect(other.unseal(new Uint8Array(5))).rejects.toThrow();
});

test.each([
  ["wss://meet.example", "wss://meet.example/v1/signal"],
  ["https://Meet.Example:443/", "wss://meet.example/v1/signal"],
  ["http://127.0.0.1:8080", "ws://127.0.0.1:8080/v1/signal"],
  ["wss://meet.example/there?room=1#secret", "wss://meet.example/there?room=1"],
])("%s is dialled as %s", (given, dialled) => {
  expect(socketAddress(given)).toBe(dialled);
});

test.each(["", "meet.example", "ftp://meet.example", "wss://me:word@meet.example", "/v1/signal", undefined, 7])("%s is no address outside a page", (given) => {
  expect(() => socketAddress(given)).toThrow(SwarmError);
});

test("an address that a function gives is asked for at each opening", async () => {
  const next = vi.fn().mockResolvedValueOnce("wss://a.example").mockReturnValueOnce("wss://b.example").mockRejectedValueOnce(new Error("none"));
  const servers = await Servers.of([next], "notes");
  expect(servers.nameOf(0)).toBe("");
  expect(await servers.addressOf(0)).toBe("wss://a.example/v1/signal");
  expect(await servers.addressOf(0)).toBe("wss://b.example/v1/signal");
  await expect(servers.addressOf(0)).rejects.toThrow("none");
  expect(servers.nameOf(0)).toBe("wss://b.example/v1/signal");
});

test("each path that fails has a code and a sentence", () => {
  const snapshot = { server: 0, state: "waiting", fault: "UNREACHABLE", refusal: null, detail: "", nextTryMs: 5 } as const;
  const path = toServerPath(snapshot, "wss://meet.example/v1/signal");
  expect(path).toMatchObject({ kind: "rendezvous", state: "waiting", fault: { code: "UNREACHABLE" }, nextTryAt: 5 });
  expect(path.fault?.reason).toContain("can’t be reached");
  const refused = (refusal: number) => toServerPath({ ...snapshot, fault: "REFUSED", refusal }, "").fault;
  expect(refused(10)).toMatchObject({ code: "ROOM_FULL" });
  expect(refused(99)).toMatchObject({ code: "REFUSED" });
  const wrong = toServerPath({ ...snapshot, fault: "BAD_ADDRESS", detail: "“x” is no address of a server" }, "x");
  expect(wrong.fault?.reason).toBe("The address of the server can’t be used. “x” is no address of a server.");
});

test("signalling takes channels and a few servers side by side", () => {
  const options = (count: number) => checkOptions({ app: "notes", signalling: Array.from({ length: count }, () => rendezvous("wss://meet.example")) });
  expect(options(4)).toMatchObject({ channels: [], servers: Array.from({ length: 4 }, () => "wss://meet.example") });
  expect(() => options(5)).toThrow(SwarmError);
  expect(() => rendezvous(7 as unknown as string)).toThrow(SwarmError);
});
