/** What looking at the browser comes to. Pure. */

import type { StoreUsage } from "../../sdk/index.ts";
import { formatBytes, formatCount } from "../../ui/format.ts";
import { NO_FINDINGS } from "./findings.ts";
import type { Check, Result } from "./findings.ts";

/** Returns what checks come to: it passes unless one is bad. */
export function resultOf(checks: readonly Check[]): Result {
  const bad = checks.filter(({ verdict }) => verdict === "bad");
  const remarks = checks.filter(({ verdict }) => verdict === "remark");
  const findings = { ...NO_FINDINGS, checks };
  const [first] = bad;
  if (first !== undefined) {
    const more = bad.length === 1 ? "" : ` ${formatCount(bad.length - 1, "other thing")} besides.`;
    return { passed: false, sentence: `${first.text}${more}`, findings };
  }
  const noted = remarks.length === 0 ? "" : ` ${formatCount(remarks.length, "thing")} to know: ${remarks.map(({ name }) => name).join(", ")}.`;
  return { passed: true, sentence: `This browser and this page have all that connecting takes.${noted}`, findings };
}

/** Returns how a store reads. */
export function storageCheck({ kind, usedBytes, quotaBytes, persisted }: StoreUsage): Check {
  const name = "Storage";
  const room = `${formatBytes(usedBytes)} used of ${formatBytes(quotaBytes)}`;
  switch (kind) {
    case "memory":
      return { name, verdict: "remark", text: `Files are kept in memory only and are gone when the tab is closed: ${room}. A private window may be the cause.` };
    case "indexeddb":
      return { name, verdict: "remark", text: `Files are kept in IndexedDB, which is slower than OPFS: ${room}.` };
    case "opfs":
      return { name, verdict: "good", text: `Files are kept in OPFS: ${room}; ${persisted ? "the browser promised to keep them" : "the browser may evict them when the disk is full"}.` };
  }
}
