import { expect, test } from "vitest";
import { Timeline, stageRows } from "./stage-times.ts";

test("each stage takes from its beginning to that of the next", () => {
  const seen = new Timeline(1000);
  seen.discovered(1040);
  seen.reached("signalling", 1050);
  // Told again, as each update of the peer does.
  seen.reached("signalling", 1055);
  seen.reached("ice", 1070);
  seen.reached("dtls", 1072);
  seen.reached("channel", 1080);
  seen.reached("authentication", 1081);
  seen.connected(1085);
  expect([...seen.times]).toEqual([["discovery", 40], ["dialling", 10], ["signalling", 20], ["ice", 2], ["dtls", 8], ["channel", 1], ["authentication", 4]]);
  expect(seen.totalMs).toBe(85);
  expect(seen.dialledMs).toBe(1050);
});

test("an attempt that begins anew after a glare adds to its stage, and the sum stays the whole", () => {
  const seen = new Timeline(0);
  seen.discovered(10);
  seen.reached("signalling", 10);
  seen.reached("ice", 30);
  seen.reached("signalling", 35);
  seen.reached("ice", 40);
  seen.connected(50);
  expect(seen.times.get("signalling")).toBe(25);
  expect([...seen.times.values()].reduce((sum, ms) => sum + ms, 0)).toBe(seen.totalMs);
});

test("an offer may come before the announcement of who made it", () => {
  const seen = new Timeline(0);
  seen.reached("signalling", 5);
  seen.discovered(6);
  seen.connected(20);
  expect(Object.fromEntries(seen.times)).toEqual({ discovery: 5, dialling: 0, signalling: 15, ice: 0, dtls: 0, channel: 0, authentication: 0 });
});

test("what comes after the connection changes nothing", () => {
  const seen = new Timeline(0);
  seen.connected(20);
  seen.reached("ice", 25);
  seen.connected(30);
  expect(seen.totalMs).toBe(20);
});

test("rows are over the rounds that passed a stage, in the order of the stages", () => {
  const rounds = [new Map([["ice", 4], ["discovery", 10]] as const), new Map([["discovery", 30]] as const), new Map([["discovery", 20]] as const)];
  expect(stageRows(rounds)).toMatchObject([
    { stage: "discovery", median: 20, min: 10, max: 30 },
    { stage: "ice", median: 4, min: 4, max: 4 },
  ]);
  expect(stageRows([])).toEqual([]);
});
