import { expect, test } from "vitest";
import { OWN, peer } from "../../ui/synthetic.ts";
import type { TestState } from "./bench.ts";
import type { LogEntry } from "./connection-log.ts";
import { NO_FINDINGS } from "./findings.ts";
import { reportJson, reportMarkdown } from "./report.ts";
import type { Report } from "./report.ts";
import { DEFAULTS } from "./settings.ts";

const IDLE: TestState = { state: "idle", note: "" };
const OTHER = peer(3);

const ENTRY: LogEntry = { number: 1, at: 1_800_000_000_000, sinceMs: 34, kind: "connected", side: "yours", self: OWN, peer: OTHER.id, text: "" };

function report(as: Partial<Report> = {}): Report {
  const tests = { environment: IDLE, discovery: IDLE, connection: IDLE, transfer: IDLE, stress: IDLE };
  return { at: 1_800_000_000_000, userAgent: "Test/1.0 (X | Y)", settings: DEFAULTS, tests, swarm: null, log: [], ...as };
}

test("a report tells each test, its figures, checks and stages", () => {
  const findings = {
    ...NO_FINDINGS,
    figures: [{ name: "Median", text: "34 ms", value: 34, unit: "ms" as const }],
    checks: [{ name: "Storage", verdict: "remark" as const, text: "In memory." }],
    stages: [{ stage: "ice", name: "Network path (ICE)", median: 4, min: 2, max: 1500 }],
    remarks: ["Hidden."],
  };
  const { tests } = report();
  const text = reportMarkdown(report({ tests: { ...tests, connection: { state: "passed", sentence: "Two peers connected.", findings, tookMs: 900 }, stress: { state: "idle", note: "Not run: no." } } }));
  for (const part of ["### Connection: Passed", "Two peers connected.", "| Median | 34 ms |", "- remark: Storage. In memory.", "| Network path (ICE) | 4 ms | 2 ms | 1.5 s |", "- Hidden.", "### Stress: Not run\n\nNot run: no.", "Not open.", "Empty."]) {
    expect(text).toContain(part);
  }
});

test("the own swarm is told with reasons and counters, and ids are cut", () => {
  const failure = { peer: OTHER.id, stage: "ice" as const, reason: "no <b>way</b> | found", at: 1_799_999_990_000 };
  const one = peer(3, { state: "backoff", lastFailure: failure, nextTryAt: 1_800_000_003_000 });
  const status = { mode: "offline" as const, state: "online" as const, peersDiscovered: 1, peersConnected: 0, relayConnected: false, paths: [], contents: 0, roles: ["leaf" as const], bytesIn: 0, bytesOut: 0 };
  const full = report({ swarm: { id: OWN, status, peers: [one], stats: { "signal.bad_signature": 2, "link.open": 0 } }, log: [ENTRY] });
  const text = reportMarkdown(full);
  expect(text).toContain("0 of 1 peers connected");
  expect(text).toContain("no \\<b\\>way\\</b\\> \\| found Next try in 3\u00a0s".replaceAll("\u00a0", " "));
  expect(text).toContain("`signal.bad_signature` 2:");
  expect(text).not.toContain("link.open");
  const json = reportJson(full);
  for (const id of [OWN, OTHER.id]) {
    expect(text).not.toContain(id);
    expect(json).not.toContain(id);
    expect(json).toContain(id.slice(0, 8));
  }
});

test("a log says its times since the attempt, and a long one is cut in the text and not in the JSON", () => {
  const log = Array.from({ length: 300 }, (_, n): LogEntry => ({ ...ENTRY, number: n, text: `number ${n}\n# not a heading` }));
  const text = reportMarkdown(report({ log }));
  expect(text).toContain("The last 60 of 300.");
  expect(text).toContain("+34\u00a0ms  You  connected");
  expect(text).not.toContain("number 239 ");
  expect(text).not.toMatch(/^# not/mu);
  expect((JSON.parse(reportJson(report({ log }))) as { log: readonly unknown[] }).log).toHaveLength(300);
});
