/** The tests of two peers: whether they find each other, and how long each stage of connecting takes. */

import type { Test, TestContext } from "./bench.ts";
import type { Result } from "./findings.ts";
import { HiddenWatch } from "./hidden-watch.ts";
import type { Lab } from "./lab.ts";
import { findingsOf, resultOf } from "./pair-results.ts";
import { runRounds } from "./rounds.ts";

/** Two peers in this page find each other. */
export function discoveryTest(lab: Lab): Test {
  return (context) => pairTest(lab, context, context.settings.discoveryRounds, "discovered");
}

/** Two peers in this page find each other and connect. */
export function connectionTest(lab: Lab): Test {
  return (context) => pairTest(lab, context, context.settings.connectionRounds, "connected");
}

async function pairTest(lab: Lab, { signal, tell }: TestContext, count: number, until: "discovered" | "connected"): Promise<Result> {
  const hidden = new HiddenWatch(signal);
  tell({ text: `Round 1 of ${count}`, done: 0 });
  const rounds = await runRounds(lab, count, until, signal, (done) =>
    tell({ text: `Round ${Math.min(done.length + 1, count)} of ${count}`, done: done.length / count, findings: findingsOf(done, until) }),
  );
  return resultOf(rounds, count, until, hidden.remarks());
}
