import { expect, test } from "vitest";

import { peer, peers } from "./synthetic.ts";
import { STATE_ORDER, byState, nextWords, pathWords, reputationWords, scoreWords, stateWords, throughputWords, troubleWords } from "./peer-words.ts";

const plain = (text: string): string => text.replace(/\u00a0/gu, " ");
const lastFailure = { peer: peer(1).id, stage: "ice", reason: "no path", at: 0 } as const;

test("each state has its own word", () => {
  expect(new Set(STATE_ORDER.map((state) => stateWords(state).word)).size).toBe(4);
});

test("a wait says how long it is, and what it waits for once the time is over", () => {
  const waiting = peer(1, { state: "backoff", lastFailure, nextTryAt: 20_000 });
  expect(plain(nextWords(waiting, 8_000))).toBe("Next try in 12 s");
  expect(plain(nextWords(waiting, 19_900))).toBe("Next try in 1 s");
  expect(nextWords(waiting, 20_000)).toBe("Next try as soon as a connection is free");
});

test("who connects is being looked for, at first or once more", () => {
  expect(nextWords(peer(1, { state: "connecting" }), 0)).toBe("Looking for a way to it");
  expect(nextWords(peer(1, { state: "connecting", stage: "ice" }), 0)).toBe("Trying network paths");
  expect(nextWords(peer(1, { state: "connecting", lastFailure }), 0)).toBe("Trying once more");
  expect(nextWords(peer(1), 0)).toBe("");
});

test("what a connection carried reads each way, once it is known", () => {
  expect(throughputWords(peer(1))).toBe("not measured yet");
  expect(plain(throughputWords(peer(1, { throughputIn: 12_400_000 })))).toBe("12.4 MB/s from it");
  expect(plain(throughputWords(peer(1, { throughputIn: 12_400_000, throughputOut: 3_100 })))).toBe("12.4 MB/s from it, 3.1 kB/s to it");
});

test("a failure is told in a sentence, and no failure in none", () => {
  expect(troubleWords(peer(1, { lastFailure }))).toBe("No network path between the two of you was found.");
  expect(troubleWords(peer(1))).toBe("");
});

test("paths, strikes and scores read as words", () => {
  expect(pathWords("direct")).toContain("Direct");
  expect(pathWords(null)).toBe("–");
  expect(plain(reputationWords({ strikes: 1, reputation: 0.3 }))).toBe("1 proven misbehaviour");
  expect(plain(reputationWords({ strikes: 2, reputation: 0.9 }))).toBe("2 proven misbehaviours");
  expect([0.5, 0.7, 0.9].map((reputation) => reputationWords({ strikes: 0, reputation }))).toEqual([
    "Nothing held against it; new here",
    "Nothing held against it; known for a while",
    "Nothing held against it; known for long",
  ]);
  expect([0, 0.25, 0.5, 1].map(scoreWords)).toEqual(["Poor: 0 of 100", "Fair: 25 of 100", "Good: 50 of 100", "Good: 100 of 100"]);
});

test("the connected come first, the others by how far they are", () => {
  const all = [peer(1), peer(2, { state: "backoff", lastFailure }), peer(3, { state: "connecting" }), peer(4, { state: "connected" })];
  expect(byState(all).map(({ state }) => state)).toEqual(["connected", "connecting", "backoff", "discovered"]);
  expect(byState(peers(50))).toEqual(byState([...peers(50)].reverse()));
});
