/** How tests and their states read. Pure. */

import type { IconName } from "../../ui/icons.ts";
import type { TestState } from "./bench.ts";
import type { Check, TestName } from "./findings.ts";

export const TITLES: Readonly<Record<TestName, string>> = {
  environment: "Environment",
  discovery: "Discovery",
  connection: "Connection",
  transfer: "Transfer",
  stress: "Stress",
};

/** What each test does, before anybody runs it. */
export const ABOUT: Readonly<Record<TestName, string>> = {
  environment: "Whether this browser and this page have what connecting takes, and which network addresses they offer.",
  discovery: "Two test peers in this page announce themselves and find each other.",
  connection: "Two test peers connect, stage by stage, from the announcement to the greeting.",
  transfer: "Random bytes go from one test peer to another and are compared, beside a bare data channel in the same page.",
  stress: "Many test peers become one swarm; then some leave, others come, and small files go from hand to hand.",
};

const STATES: Readonly<Record<TestState["state"], { readonly word: string; readonly icon: IconName }>> = {
  idle: { word: "Not run yet", icon: "less" },
  waiting: { word: "Waiting", icon: "pause" },
  running: { word: "Running", icon: "waiting" },
  passed: { word: "Passed", icon: "check" },
  failed: { word: "Failed", icon: "warning" },
  stopped: { word: "Stopped", icon: "close" },
};

export function stateTitle(state: TestState): string {
  return state.state === "idle" && state.note !== "" ? "Not run" : STATES[state.state].word;
}

export function stateIcon(state: TestState): IconName {
  return STATES[state.state].icon;
}

export const VERDICTS: Readonly<Record<Check["verdict"], { readonly word: string; readonly icon: IconName }>> = {
  good: { word: "Good", icon: "check" },
  remark: { word: "To know", icon: "preview" },
  bad: { word: "Bad", icon: "warning" },
};

/** Returns a state as it is read out: only what a person waits for, so the steps of a test are left out. */
export function spokenState(name: TestName, state: TestState): string {
  switch (state.state) {
    case "idle":
    case "waiting":
      return "";
    case "running":
      return `${TITLES[name]} is running`;
    case "passed":
    case "failed":
    case "stopped":
      return `${TITLES[name]}: ${stateTitle(state)}. ${state.sentence}`;
  }
}
