/** Runs one test at a time, keeps what each of them found, and can be stopped at any moment. */

import { Changes } from "../changes.ts";
import { errorCode, errorWords } from "../../ui/words.ts";
import { NO_FINDINGS, TEST_NAMES } from "./findings.ts";
import type { Findings, Result, TestName } from "./findings.ts";
import type { Settings } from "./settings.ts";

/** What a test tells while it runs. `done` is the share that is done, from 0 to 1, where that is known. */
export interface Doing {
  readonly text: string;
  readonly done: number | null;
  /** What was found so far. */
  readonly findings?: Findings;
}

export interface TestContext {
  readonly settings: Settings;
  /** Fires when the test is to stop: whatever waits has to end then. */
  readonly signal: AbortSignal;
  tell(doing: Doing): void;
}

/** Runs to its end, or rejects; with `ABORTED` if it was stopped. */
export type Test = (context: TestContext) => Promise<Result>;

export type TestState =
  /** `note` says why it was not run though somebody asked; mostly empty. */
  | { readonly state: "idle"; readonly note: string }
  | { readonly state: "waiting" }
  | { readonly state: "running"; readonly doing: Doing }
  | { readonly state: "passed" | "failed"; readonly sentence: string; readonly findings: Findings; readonly tookMs: number }
  | { readonly state: "stopped"; readonly sentence: string; readonly findings: Findings };

/** What each test builds on: where that failed, it would only fail again, and slowly. */
const NEEDS: Partial<Record<TestName, TestName>> = { connection: "discovery", transfer: "connection", stress: "connection" };

const NEEDED_WORDS: Partial<Record<TestName, string>> = {
  discovery: "Not run: peers have to find each other first, and Discovery did not pass.",
  connection: "Not run: peers have to be connected first, and Connection did not pass.",
};

const STOPPED = "Stopped before its end. All its peers are closed.";

export class Bench {
  readonly changes = new Changes();
  readonly #tests: Readonly<Record<TestName, Test>>;
  readonly #cleanUp: () => Promise<void>;
  readonly #states = new Map<TestName, TestState>();
  #running: AbortController | null = null;
  /** Resolves when what runs has ended and is cleaned up. */
  #ended: Promise<void> = Promise.resolve();

  /** `cleanUp` runs after each test, however it ended, before the next one begins. */
  constructor(tests: Readonly<Record<TestName, Test>>, cleanUp: () => Promise<void>) {
    this.#tests = tests;
    this.#cleanUp = cleanUp;
  }

  get isRunning(): boolean {
    return this.#running !== null;
  }

  state(name: TestName): TestState {
    return this.#states.get(name) ?? { state: "idle", note: "" };
  }

  /** Runs one test, unless one runs. */
  async run(name: TestName, settings: Settings): Promise<void> {
    await this.#all([name], settings);
  }

  /** Runs all tests in order, unless one runs. Those that build on one that failed are not run. */
  async runAll(settings: Settings): Promise<void> {
    await this.#all(TEST_NAMES, settings);
  }

  /** Stops what runs and what waits. Resolves when everything is closed. */
  async stop(): Promise<void> {
    this.#running?.abort();
    await this.#ended;
  }

  async #all(names: readonly TestName[], settings: Settings): Promise<void> {
    if (this.#running !== null) return;
    const running = new AbortController();
    this.#running = running;
    for (const name of names) this.#become(name, { state: "waiting" });
    this.#ended = this.#sequence(names, settings, running.signal);
    await this.#ended;
  }

  async #sequence(names: readonly TestName[], settings: Settings, signal: AbortSignal): Promise<void> {
    for (const name of names) {
      const needed = NEEDS[name];
      if (signal.aborted) this.#become(name, { state: "idle", note: "" });
      else if (needed !== undefined && names.includes(needed) && !this.#passed(needed)) {
        this.#become(name, { state: "idle", note: NEEDED_WORDS[needed] ?? "" });
      } else await this.#one(name, settings, signal);
    }
    this.#running = null;
    this.changes.changed();
  }

  async #one(name: TestName, settings: Settings, signal: AbortSignal): Promise<void> {
    const begun = performance.now();
    let findings = NO_FINDINGS;
    const tell = (doing: Doing): void => {
      findings = doing.findings ?? findings;
      if (!signal.aborted) this.#become(name, { state: "running", doing });
    };
    tell({ text: "Starting", done: null });
    let ended: TestState;
    try {
      const result = await this.#tests[name]({ settings, signal, tell });
      const { passed, sentence } = result;
      ended = { state: passed ? "passed" : "failed", sentence, findings: result.findings, tookMs: performance.now() - begun };
    } catch (error) {
      ended = { state: "failed", sentence: errorWords(error), findings, tookMs: performance.now() - begun };
      if (signal.aborted || errorCode(error) === "ABORTED") ended = { state: "stopped", sentence: STOPPED, findings };
    }
    try {
      await this.#cleanUp();
    } catch (error) {
      ended = { state: "failed", sentence: `Its peers could not be closed: reload the page. ${errorWords(error)}`, findings, tookMs: performance.now() - begun };
    }
    this.#become(name, ended);
  }

  #passed(name: TestName): boolean {
    return this.state(name).state === "passed";
  }

  #become(name: TestName, state: TestState): void {
    this.#states.set(name, state);
    this.changes.changed();
  }
}
