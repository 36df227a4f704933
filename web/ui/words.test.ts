import { describe, expect, test } from "vitest";

import type { ConnectFailure, PeerId, Status } from "../sdk/index.ts";
import { errorCode, errorWords, failureWords, modeWords, serverWords, spokenStatus } from "./words.ts";

const STATUS: Status = { mode: "offline", state: "online", peersDiscovered: 0, peersConnected: 0, relayConnected: false, paths: [], contents: 0, roles: ["leaf"], bytesIn: 0, bytesOut: 0 };
const FAILURE: ConnectFailure = { peer: "ab".repeat(32) as PeerId, stage: "ice", reason: "no pair of addresses worked.", hint: "join the same network" };

function coded(code: string, message = "", failure?: ConnectFailure): Error {
  return Object.assign(new Error(message), { code }, failure === undefined ? {} : { failure });
}

test("each status has its own word and its own icon", () => {
  const told = [
    modeWords(null),
    modeWords({ ...STATUS, state: "starting" }),
    modeWords(STATUS),
    modeWords({ ...STATUS, mode: "p2p", peersConnected: 1 }),
    modeWords({ ...STATUS, mode: "relay", peersConnected: 1 }),
  ];
  expect(new Set(told.map(({ word }) => word)).size).toBe(told.length);
  expect(told.map(({ tone }) => tone)).toEqual(["off", "waiting", "waiting", "connected", "relayed"]);
  expect(modeWords({ ...STATUS, mode: "p2p", state: "stopped" }).tone).toBe("off");
});

test("the number of peers is spoken once there are some", () => {
  expect(spokenStatus(STATUS)).toBe("No peers yet");
  expect(spokenStatus({ ...STATUS, mode: "p2p", peersConnected: 2 })).toBe("Connected, 2\u00a0peers");
});

test("a failure to connect names its stage, its reason and what to do", () => {
  expect(failureWords(FAILURE)).toEqual({
    title: "No connection to abababab",
    text: "No network path between the two of you was found (no pair of addresses worked). Join the same network.",
  });
  expect(failureWords({ peer: FAILURE.peer, stage: "admission", reason: "" }).text).toBe("It did not let us in.");
});

describe("errorWords", () => {
  test("a code has its sentence, whatever the message", () => expect(errorWords(coded("QUOTA", "disk 7"))).toMatch(/^The browser’s storage is full\./u));
  test("a bad input is told in its own words too", () => expect(errorWords(coded("BAD_INPUT", "the link is cut short"))).toBe("The link is cut short. Check it, then try again."));
  test("what could not be reached says how far it got", () => expect(errorWords(coded("UNREACHABLE", "no", FAILURE))).toBe(failureWords(FAILURE).text));
  test("an error without a code speaks for itself", () => expect(errorWords(new Error("the file is gone"))).toBe("The file is gone."));
  test("what is no error at all gets a sentence", () => expect(errorWords(undefined)).toContain("Reload the page"));
  test("a code that nobody knows is none", () => expect(errorCode(coded("toString"))).toBeNull());
});

test("a server that is down says why, and when it is tried again", () => {
  const server = { kind: "rendezvous", name: "wss://meet.example/v1/signal", state: "connected", fault: null, nextTryAt: null } as const;
  expect(serverWords(server)).toMatchObject({ icon: "connected", name: "meet.example" });
  const fault = { code: "UNREACHABLE", reason: "The server can’t be reached." } as const;
  const down = serverWords({ ...server, state: "waiting", fault, nextTryAt: 1_800_000_000_000 });
  expect(down.text).toMatch(/^The server can’t be reached\. Next try at .+\. Those who are connected stay so\.$/u);
  expect(serverWords({ ...server, state: "connecting", fault }).text).toBe("The server can’t be reached. It is tried again now.");
  expect(serverWords({ ...server, fault: { code: "ROOM_FULL", reason: "The room is full." } })).toMatchObject({ icon: "warning", text: "The room is full." });
});

test("who is alone is told what to do for company", () => {
  const path = { kind: "rendezvous", name: "", state: "connected", fault: null, nextTryAt: null } as const;
  expect(modeWords(STATUS).detail).toContain("another tab");
  expect(modeWords({ ...STATUS, paths: [path] }).detail).toContain("anywhere else");
});
