import { beforeEach, expect, test, vi } from "vitest";
import { Bench } from "./bench.ts";
import type { Test } from "./bench.ts";
import { NO_FINDINGS, TEST_NAMES } from "./findings.ts";
import type { TestName } from "./findings.ts";
import { DEFAULTS } from "./settings.ts";

beforeEach(() => {
  vi.stubGlobal("requestAnimationFrame", (draw: () => void) => draw());
});

const passes: Test = async () => ({ passed: true, sentence: "It works.", findings: NO_FINDINGS });
const fails: Test = async () => ({ passed: false, sentence: "It does not work.", findings: NO_FINDINGS });
const throws: Test = () => Promise.reject(new Error("the browser said no"));
/** Runs until it is stopped. */
const waits: Test = ({ signal, tell }) => {
  tell({ text: "Half way", done: 0.5, findings: { ...NO_FINDINGS, remarks: ["half"] } });
  return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason as unknown)));
};

function bench(as: Partial<Record<TestName, Test>> = {}) {
  const cleaned: string[] = [];
  const tests = { environment: passes, discovery: passes, connection: passes, transfer: passes, stress: passes, ...as };
  const made = new Bench(tests, async () => void cleaned.push("cleaned"));
  return { bench: made, cleaned, states: () => TEST_NAMES.map((name) => made.state(name).state) };
}

test("all tests run in order, and each is cleaned up after", async () => {
  const { bench: all, cleaned, states } = bench();
  const running = all.runAll(DEFAULTS);
  expect(states()).toEqual(["running", "waiting", "waiting", "waiting", "waiting"]);
  expect(all.isRunning).toBe(true);
  await running;
  expect(states()).toEqual(["passed", "passed", "passed", "passed", "passed"]);
  expect(cleaned).toHaveLength(5);
  expect(all.isRunning).toBe(false);
});

test("what builds on a test that failed is not run, and says so", async () => {
  const { bench: all, states } = bench({ discovery: fails });
  await all.runAll(DEFAULTS);
  expect(states()).toEqual(["passed", "failed", "idle", "idle", "idle"]);
  expect(all.state("connection")).toMatchObject({ note: expect.stringContaining("Discovery did not pass") });
  expect(all.state("stress")).toMatchObject({ note: expect.stringContaining("Connection did not pass") });
});

test("a test that somebody asks for alone is run, whatever failed before", async () => {
  const { bench: all, states } = bench({ discovery: fails });
  await all.runAll(DEFAULTS);
  await all.run("connection", DEFAULTS);
  expect(states()).toEqual(["passed", "failed", "passed", "idle", "idle"]);
});

test("a test that throws has failed, with the reason, and is cleaned up after", async () => {
  const { bench: all, cleaned } = bench({ transfer: throws });
  await all.run("transfer", DEFAULTS);
  expect(all.state("transfer")).toMatchObject({ state: "failed", sentence: "The browser said no." });
  expect(cleaned).toHaveLength(1);
});

test("stopping ends what runs and what waits, keeps what was found, and waits until all is closed", async () => {
  const { bench: all, cleaned, states } = bench({ discovery: waits });
  const running = all.runAll(DEFAULTS);
  await vi.waitFor(() => expect(states()[1]).toBe("running"));
  await all.stop();
  expect(cleaned).toHaveLength(2);
  expect(states()).toEqual(["passed", "stopped", "idle", "idle", "idle"]);
  expect(all.state("discovery")).toMatchObject({ findings: { remarks: ["half"] } });
  await running;
  await all.run("environment", DEFAULTS);
  expect(all.state("environment").state).toBe("passed");
});

test("one test runs at a time", async () => {
  const { bench: all, states } = bench({ stress: waits });
  const running = all.run("stress", DEFAULTS);
  await all.run("environment", DEFAULTS);
  expect(states()).toEqual(["idle", "idle", "idle", "idle", "running"]);
  await all.stop();
  await running;
});
