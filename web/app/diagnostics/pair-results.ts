/** What rounds of two peers come to. Pure. */

import { formatCount, formatPercent, formatRtt } from "../../ui/format.ts";
import { spread } from "../spread.ts";
import { NO_FINDINGS } from "./findings.ts";
import type { Figure, Findings, Result } from "./findings.ts";
import type { Round } from "./rounds.ts";
import { stageRows } from "./stage-times.ts";

/** Returns what rounds come to. */
export function resultOf(rounds: readonly Round[], count: number, until: "discovered" | "connected", remarks: readonly string[]): Result {
  const good = rounds.filter(({ ok }) => ok).length;
  const failure = rounds.find((round) => !round.ok);
  const all = findingsOf(rounds, until);
  const findings = { ...all, remarks: [...all.remarks, ...remarks] };
  const times = spread(msOf(rounds));
  const what = until === "discovered" ? "Two peers found each other" : "Two peers connected";
  if (failure === undefined && times !== null) {
    return { passed: true, sentence: `${what} in ${good} of ${formatCount(rounds.length, "round")}, in ${formatRtt(times.median)} at the median.`, findings };
  }
  const reason = failure === undefined || failure.ok ? "" : failure.reason;
  return { passed: false, sentence: `${what} in ${good} of ${formatCount(rounds.length, "round")}.${untriedWords(count - rounds.length)} ${reason}`, findings };
}

function untriedWords(count: number): string {
  if (count === 0) return "";
  return count === 1 ? " The last one was not tried." : ` The other ${count} were not tried.`;
}

export function findingsOf(rounds: readonly Round[], until: "discovered" | "connected"): Findings {
  const good = rounds.filter((round) => round.ok);
  const times = spread(msOf(rounds));
  const figures: Figure[] = [{ name: "Succeeded", text: `${good.length} of ${rounds.length} (${formatPercent(good.length, rounds.length)})`, value: rounds.length === 0 ? null : good.length / rounds.length, unit: "ratio" }];
  if (times !== null) figures.push(ms("Median", times.median), ms("Fastest", times.min), ms("Slowest", times.max));
  if (until === "discovered") return { ...NO_FINDINGS, figures };
  const glares = good.filter(({ glare }) => glare).length;
  figures.push({ name: "Both called at once", text: `${glares} of ${good.length}`, value: glares, unit: "count" });
  return { ...NO_FINDINGS, figures, stages: stageRows(good.map(({ seen }) => seen.times)) };
}

function msOf(rounds: readonly Round[]): readonly number[] {
  return rounds.flatMap((round) => (round.ok ? [round.ms] : []));
}

function ms(name: string, value: number): Figure {
  return { name, text: formatRtt(value), value, unit: "ms" };
}
