/** What a transfer comes to. Pure. */

import { formatBytes, formatRate, formatRtt } from "../../ui/format.ts";
import { NO_FINDINGS } from "./findings.ts";
import type { Figure, Findings, Result } from "./findings.ts";
import { ratesOf } from "./transfer-rates.ts";
import type { Sample } from "./transfer-rates.ts";

/** How a fetch went, in milliseconds since it was asked for. */
export interface Fetched {
  readonly firstMs: number;
  readonly totalMs: number;
  readonly samples: readonly Sample[];
  readonly same: boolean;
}

/** Returns what a transfer comes to; `raw` is the bare channel's rate, or why there is none. */
export function resultOf(bytes: number, { firstMs, totalMs, samples, same }: Fetched, raw: number | string, remarks: readonly string[]): Result {
  const rate = bytes / (totalMs / 1000);
  const figures: Figure[] = [
    { name: "Rate", text: formatRate(rate), value: rate, unit: "bytes/s" },
    { name: "First verified bytes", text: formatRtt(firstMs), value: firstMs, unit: "ms" },
    { name: "All of it", text: formatRtt(totalMs), value: totalMs, unit: "ms" },
  ];
  const all = [...remarks];
  if (typeof raw === "number") {
    figures.push({ name: "Bare data channel", text: formatRate(raw), value: raw, unit: "bytes/s" });
    figures.push({ name: "Ratio", text: (rate / raw).toFixed(2), value: rate / raw, unit: "ratio" });
  } else {
    all.push(`The bare data channel could not be measured. ${raw}`);
  }
  const findings: Findings = { ...NO_FINDINGS, figures, rates: ratesOf(samples), remarks: all };
  if (!same) return { passed: false, sentence: "What arrived is not what was sent. Please report this: it must never happen.", findings };
  const compared = typeof raw === "number" ? `, ${(rate / raw).toFixed(2)} of a bare data channel` : "";
  return { passed: true, sentence: `${formatBytes(bytes)} arrived and every byte is right, at ${formatRate(rate)}${compared}.`, findings };
}

