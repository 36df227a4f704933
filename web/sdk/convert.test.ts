import { expect, test } from "vitest";

import { toPeerInfo, toRoles } from "./convert.ts";
import type { PeerSnapshot } from "./wasm.ts";

const PEER: PeerSnapshot = {
  id: "ab".repeat(32),
  state: "discovered",
  stage: null,
  rttMicros: null,
  rttVarMicros: null,
  inPerSecond: null,
  outPerSecond: null,
  bytesIn: 0,
  bytesOut: 0,
  bufferedBytes: 0,
  contents: 0,
  strikes: 0,
  reputation: 750,
  score: 412,
  roles: null,
  capabilities: 0,
  connectedAtMs: null,
  lastFailure: null,
  nextTryMs: null,
};

test("roles are read off their bits, and none is a leaf; what is newer is left out", () => {
  expect(toRoles(0)).toEqual(["leaf"]);
  expect(toRoles(0xf8)).toEqual(["leaf"]);
  expect(toRoles(7)).toEqual(["seed", "relay", "supernode"]);
});

test("of a peer whose record is not known nothing is said", () => {
  expect(toPeerInfo(PEER)).toMatchObject({ roles: [], capabilities: null });
});

test("what a peer is worth is told in parts of one", () => {
  expect(toPeerInfo(PEER)).toMatchObject({ reputation: 0.75, score: 0.412 });
});

test("capabilities are flags and sizes", () => {
  const known = toPeerInfo({ ...PEER, roles: 1, capabilities: 0x85_21_16_0b });
  const capabilities = { relays: true, stores: false, installed: true, storeBytes: 2 ** 33, bytesPerSecond: 2 ** 22, uptimeMs: 2_048_000 };
  expect(known).toMatchObject({ roles: ["seed"], capabilities });
  const none = { relays: false, stores: false, installed: false, storeBytes: null, bytesPerSecond: null, uptimeMs: 0 };
  expect(toPeerInfo({ ...PEER, roles: 0 })).toMatchObject({ roles: ["leaf"], capabilities: none });
});
