import { expect, test } from "vitest";
import { candidateKind, candidatesCheck } from "./candidates.ts";
import { resultOf as environmentResult, storageCheck } from "./environment-results.ts";
import type { Check } from "./findings.ts";
import { components, connections } from "./mesh.ts";
import { resultOf as pairResult } from "./pair-results.ts";
import type { Round } from "./rounds.ts";
import { Timeline } from "./stage-times.ts";
import { Tally, findingsOf, resultOf as stressResult } from "./stress-tally.ts";
import { hintsIn } from "./swarm-health.ts";
import { ratesOf } from "./transfer-rates.ts";
import { resultOf as transferResult } from "./transfer-results.ts";

function round(ms: number, glare = false): Round {
  const seen = new Timeline(0);
  seen.discovered(ms / 2);
  seen.connected(ms);
  return { ok: true, ms, seen, glare };
}

test("rounds that all succeed pass with their figures", () => {
  const { passed, sentence, findings } = pairResult([round(30), round(10, true), round(20)], 3, "connected", ["hidden"]);
  expect(passed).toBe(true);
  expect(sentence).toBe("Two peers connected in 3 of 3\u00a0rounds, in 20\u00a0ms at the median.");
  expect(findings.figures.map(({ name, value }) => [name, value])).toEqual([["Succeeded", 1], ["Median", 20], ["Fastest", 10], ["Slowest", 30], ["Both called at once", 1]]);
  expect(findings.stages.map(({ stage, median }) => [stage, median]).slice(0, 3)).toEqual([["discovery", 10], ["dialling", 10], ["signalling", 0]]);
  expect(findings.remarks).toEqual(["hidden"]);
});

test("one round that fails fails the test, with its reason and with what was not tried", () => {
  const { passed, sentence } = pairResult([round(10), { ok: false, reason: "No way." }, { ok: false, reason: "No way." }], 5, "discovered", []);
  expect(passed).toBe(false);
  expect(sentence).toBe("Two peers found each other in 1 of 3\u00a0rounds. The other 2 were not tried. No way.");
});

test("the kinds of candidates are told apart", () => {
  const lines = [
    "candidate:1 1 udp 2113937151 0b2c4c1e-1111-4a4a-9f9f-aaaaaaaaaaaa.local 50000 typ host generation 0",
    "candidate:2 1 udp 2113937151 192.168.1.5 50001 typ host",
    "candidate:3 1 udp 1677729535 203.0.113.9 50002 typ srflx raddr 0.0.0.0 rport 0",
    "candidate:4 1 udp 33562367 198.51.100.1 50003 typ relay raddr 203.0.113.9 rport 50002",
    "",
    "nonsense",
  ];
  expect(lines.map(candidateKind)).toEqual(["mdns", "host", "srflx", "relay", null, null]);
});

test("what the addresses mean depends on what was asked for, and none is bad", () => {
  const stun = { iceServers: [{ urls: "stun:stun.example.org" }] };
  expect(candidatesCheck([], {}).verdict).toBe("bad");
  expect(candidatesCheck([], { iceTransportPolicy: "relay" }).text).toContain("iceTransportPolicy");
  expect(candidatesCheck(["mdns", "mdns"], {})).toMatchObject({ verdict: "good", text: expect.stringContaining("2\u00a0addresses of this machine behind a random name") });
  expect(candidatesCheck(["host"], stun)).toMatchObject({ verdict: "remark", text: expect.stringContaining("No STUN server answered") });
  expect(candidatesCheck(["host", "srflx"], stun).verdict).toBe("good");
});

test("an environment passes with remarks, and fails by what is bad first", () => {
  const check = (name: string, verdict: Check["verdict"]): Check => ({ name, verdict, text: `${name} is ${verdict}.` });
  expect(environmentResult([check("Locks", "remark"), check("Page", "good")])).toMatchObject({ passed: true, sentence: expect.stringContaining("to know: Locks") });
  expect(environmentResult([check("Locks", "bad"), check("Page", "bad"), check("Store", "bad")])).toMatchObject({ passed: false, sentence: "Locks is bad. 2\u00a0other things besides." });
  const usage = { usedBytes: 1_000_000, quotaBytes: 2_000_000_000, persisted: false };
  expect(storageCheck({ ...usage, kind: "opfs" })).toMatchObject({ verdict: "good", text: expect.stringContaining("1.0\u00a0MB used of 2.0\u00a0GB") });
  expect(storageCheck({ ...usage, kind: "memory" }).verdict).toBe("remark");
});

test("a swarm is in one part if each reaches every other, however far", () => {
  const links = new Map([["a", new Set(["b"])], ["b", new Set(["a", "c"])], ["c", new Set(["b"])], ["d", new Set<string>()]]);
  expect(components(links)).toBe(2);
  expect(connections(links)).toBe(2);
  links.set("d", new Set(["c", "gone"]));
  expect(components(links)).toBe(2);
  links.set("c", new Set(["b", "d"]));
  expect(components(links)).toBe(1);
  expect(connections(links)).toBe(3);
  expect(components(new Map())).toBe(0);
});

test("the rates of a transfer add up to all its bytes", () => {
  const samples = [{ ms: 100, bytes: 1000 }, { ms: 130, bytes: 4000 }, { ms: 700, bytes: 9000 }, { ms: 1000, bytes: 16_000 }];
  const { at, bytesPerSecond } = ratesOf(samples);
  expect(at).toHaveLength(21);
  expect(at.at(-1)).toBe(1);
  const sum = bytesPerSecond.reduce((bytes, rate) => bytes + rate * 0.05, 0);
  expect(sum).toBeCloseTo(16_000, 5);
  expect(ratesOf([])).toEqual({ at: [], bytesPerSecond: [] });
  expect(ratesOf([{ ms: 3, bytes: 10 }]).at).toEqual([0, 0.003]);
});

test("a transfer is compared with the bare channel, and a wrong byte fails it whatever its rate", () => {
  const fetched = { firstMs: 20, totalMs: 500, samples: [{ ms: 500, bytes: 5_000_000 }], same: true };
  const good = transferResult(5_000_000, fetched, 40_000_000, []);
  expect(good).toMatchObject({ passed: true, sentence: "5.0\u00a0MB arrived and every byte is right, at 10.0\u00a0MB/s, 0.25 of a bare data channel." });
  expect(transferResult(5_000_000, fetched, "It took too long.", []).findings.remarks[0]).toContain("could not be measured");
  expect(transferResult(5_000_000, { ...fetched, same: false }, 40_000_000, []).passed).toBe(false);
});

test("a stress test fails by what was lost, and not by who left", () => {
  const tally = new Tally();
  tally.wholeMs = 200;
  tally.replaced = 2;
  tally.interrupted = 1;
  tally.failed({ stage: "signalling" }, false);
  tally.failed({ stage: "signalling" }, true);
  tally.add({ "link.connections": 12, "signal.sent": 40 });
  const findings = findingsOf(tally, { peers: 4, parts: 1, complete: true, longestTaskMs: 0, heapGrowthBytes: null });
  expect(findings.figures.find(({ name }) => name === "Connections made")?.value).toBe(6);
  expect(findings.remarks).toEqual(["1\u00a0attempt failed: it did not answer the invitation to connect.", expect.stringContaining("1\u00a0time the browser would not")]);
  expect(stressResult(4, tally, null, findings)).toMatchObject({ passed: true, sentence: expect.stringContaining("2\u00a0peers left") });
  expect(stressResult(4, tally, "The peers were still in 2 parts.", findings).passed).toBe(false);
  tally.lost = 1;
  expect(stressResult(4, tally, null, findings)).toMatchObject({ passed: false, sentence: expect.stringContaining("did not arrive") });
});

test("only counters that hint at trouble are shown, the worst first", () => {
  expect(hintsIn({ "signal.sent": 10, "signal.own": 3 })).toEqual([]);
  expect(hintsIn({ "link.failures": 2, "signal.bad_signature": 1 }).map(({ counter, tone }) => [counter, tone])).toEqual([["signal.bad_signature", "trouble"], ["link.failures", "note"]]);
});
