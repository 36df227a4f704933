import { beforeEach, expect, test, vi } from "vitest";
import type { PeerInfo } from "../../sdk/index.ts";
import { peer } from "../../ui/synthetic.ts";
import { ConnectionLog, LOG_MAX, filterLog, selfWords, sinceWords } from "./connection-log.ts";
import type { LogSide } from "./connection-log.ts";

beforeEach(() => {
  vi.stubGlobal("requestAnimationFrame", (draw: () => void) => draw());
});

const SELF = "aa".repeat(32);
const OTHER = peer(1).id;

function update(log: ConnectionLog, as: Partial<PeerInfo>, ms: number): void {
  log.update(peer(1, as), "yours", SELF, ms, ms);
}

test("stages are noted once, with the time since the attempt began", () => {
  const log = new ConnectionLog();
  update(log, { state: "connecting", stage: "signalling" }, 1000);
  update(log, { state: "connecting", stage: "signalling" }, 1010);
  update(log, { state: "connecting", stage: "ice" }, 1020);
  log.note({ kind: "connected", side: "yours", self: SELF, peer: OTHER, text: "" }, 1034, 1034);
  update(log, { state: "connected", rttMs: 3 }, 6000);
  expect(log.entries.map(({ kind, sinceMs }) => [kind, sinceMs])).toEqual([["connecting", 0], ["stage", 20], ["connected", 34]]);
  expect(log.entries.map(sinceWords)).toEqual(["+0\u00a0ms", "+20\u00a0ms", "+34\u00a0ms"]);
  // The next attempt counts anew.
  update(log, { state: "connecting", stage: "signalling" }, 9000);
  expect(log.entries.at(-1)).toMatchObject({ kind: "connecting", sinceMs: 0 });
});

test("a next try is noted once", () => {
  const log = new ConnectionLog();
  for (const ms of [100, 200]) update(log, { state: "backoff", nextTryAt: 2100 }, ms);
  update(log, { state: "backoff", nextTryAt: 9000 }, 3000);
  expect(log.entries.map(({ kind, text }) => [kind, text])).toEqual([["waiting", "next try in 2.0\u00a0s"], ["waiting", "next try in 6.0\u00a0s"]]);
});

test("a stress test does not push out what a person came to see", () => {
  const log = new ConnectionLog();
  const note = (side: LogSide): void => log.note({ kind: "discovered", side, self: SELF, peer: OTHER, text: "" }, 0, 0);
  for (let n = 0; n < 20; n += 1) note("yours");
  for (let n = 0; n < 3 * LOG_MAX; n += 1) note("test");
  expect(log.entries).toHaveLength(LOG_MAX);
  expect(filterLog(log.entries, "yours", "")).toHaveLength(20);
  for (let n = 0; n < 3 * LOG_MAX; n += 1) note("yours");
  expect(log.entries).toHaveLength(LOG_MAX);
  expect(filterLog(log.entries, "test", "")).toHaveLength(LOG_MAX / 2);
});

test("what the journal heard before is recalled, and what is no connection is left out", () => {
  const log = new ConnectionLog();
  const entry = { number: 1, level: "info" as const };
  log.recall(SELF, [
    { ...entry, at: 1, kind: "peer:discover", fields: { id: OTHER } },
    { ...entry, at: 2, kind: "content:update", fields: { id: "x" } },
    { ...entry, at: 3, kind: "connect:failed", fields: { peer: OTHER, stage: "ice", reason: "no way", hint: "Try again." } },
  ]);
  expect(log.entries).toMatchObject([{ kind: "discovered", at: 1, side: "yours" }, { kind: "failed", at: 3, text: "no way (ice). Try again." }]);
});

test("entries are found by side, id and words, and say whose they are", () => {
  const log = new ConnectionLog();
  log.note({ kind: "failed", side: "test", self: SELF, peer: OTHER, text: "No network path" }, 0, 0);
  log.note({ kind: "connected", side: "yours", self: SELF, peer: OTHER, text: "" }, 0, 0);
  expect(filterLog(log.entries, null, "NETWORK").map(selfWords)).toEqual(["Test aaaaaaaa"]);
  expect(filterLog(log.entries, "yours", OTHER.slice(0, 8)).map(selfWords)).toEqual(["You"]);
  expect(filterLog(log.entries, "yours", "network")).toEqual([]);
});
