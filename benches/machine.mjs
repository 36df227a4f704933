// What was measured where, and when.

import { execFileSync } from "node:child_process";
import { cpus, loadavg, release, totalmem, type as systemName } from "node:os";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

/** `browser`: its version. */
export function machineOf(browser) {
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd: root, encoding: "utf8" }).trim(),
    processor: cpus()[0]?.model ?? "an unknown processor",
    cores: cpus().length,
    memoryGigabytes: Math.round(totalmem() / 1e9),
    system: `${systemName()} ${release()}`,
    browser,
    load: loadavg()[0].toFixed(1),
  };
}
