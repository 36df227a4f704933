/** The report that a person pastes into an issue: Markdown to be read, JSON to be compared. Pure. */

import type { PeerInfo, Status, SwarmStats } from "../../sdk/index.ts";
import { formatClock, formatRtt, shortId } from "../../ui/format.ts";
import { nextWords, stateWords, troubleWords } from "../../ui/peer-words.ts";
import { modeWords } from "../../ui/words.ts";
import type { TestState } from "./bench.ts";
import { selfWords, sinceWords } from "./connection-log.ts";
import type { LogEntry } from "./connection-log.ts";
import { TEST_NAMES } from "./findings.ts";
import type { Findings, TestName } from "./findings.ts";
import type { Settings } from "./settings.ts";
import { hintsIn } from "./swarm-health.ts";
import { TITLES, stateTitle } from "./words.ts";

/** Entries of the log in the Markdown; the JSON has all. */
const LOG_LINES_MAX = 60;

export interface OwnSwarm {
  readonly id: string;
  readonly status: Status;
  readonly peers: readonly PeerInfo[];
  readonly stats: SwarmStats;
}

export interface Report {
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  readonly userAgent: string;
  readonly settings: Settings;
  readonly tests: Readonly<Record<TestName, TestState>>;
  /** Null while there is none. */
  readonly swarm: OwnSwarm | null;
  readonly log: readonly LogEntry[];
}

/** Returns a report without addresses, names of files or keys; ids are cut to what people compare. */
export function reportMarkdown(report: Report): string {
  const { at, userAgent, settings, tests, swarm, log } = report;
  const lines = [
    "## Peerloom diagnostics",
    "",
    `${new Date(at).toISOString()} · ${text(userAgent)}`,
    `${Object.entries(settings).map(([name, value]) => `${name} ${value}`).join(", ")}`,
    ...TEST_NAMES.flatMap((name) => testLines(name, tests[name])),
    "",
    "### Your swarm",
    "",
    ...(swarm === null ? ["Not open."] : swarmLines(swarm, at)),
    "",
    "### Connection log",
    "",
    ...logLines(log),
  ];
  return `${lines.join("\n")}\n`;
}

export function reportJson(report: Report): string {
  const { swarm, log } = report;
  const cut = {
    ...report,
    at: new Date(report.at).toISOString(),
    swarm: swarm === null ? null : { ...swarm, id: shortId(swarm.id), peers: swarm.peers.map(cutPeer) },
    log: log.map(cutEntry),
  };
  return JSON.stringify(cut, null, 2);
}

function testLines(name: TestName, state: TestState): readonly string[] {
  const head = ["", `### ${TITLES[name]}: ${stateTitle(state)}`];
  switch (state.state) {
    case "idle":
      return state.note === "" ? head : [...head, "", state.note];
    case "waiting":
      return head;
    case "running":
      return [...head, "", state.doing.text, ...findingsLines(state.doing.findings ?? null)];
    case "passed":
    case "failed":
    case "stopped":
      return [...head, "", text(state.sentence), ...findingsLines(state.findings)];
  }
}

function findingsLines(findings: Findings | null): readonly string[] {
  if (findings === null) return [];
  const { checks, figures, stages, remarks } = findings;
  return [
    ...list(checks.map(({ name, verdict, text: said }) => `${verdict}: ${name}. ${text(said)}`)),
    ...table(["", "measured"], figures.map(({ name, text: value }) => [name, value])),
    ...table(["stage", "median", "min", "max"], stages.map(({ name, median, min, max }) => [name, formatRtt(median), formatRtt(min), formatRtt(max)])),
    ...list(remarks.map(text)),
  ];
}

function swarmLines({ id, status, peers, stats }: OwnSwarm, nowMs: number): readonly string[] {
  const { word } = modeWords(status);
  const rows = peers.map((peer) => [
    shortId(peer.id),
    stateWords(peer.state).word,
    formatRtt(peer.rttMs),
    `${peer.strikes}`,
    [troubleWords(peer), peer.lastFailure?.reason ?? "", nextWords(peer, nowMs)].filter((part) => part !== "").join(" "),
  ]);
  return [
    `${shortId(id)}, ${word}: ${status.peersConnected} of ${status.peersDiscovered} peers connected.`,
    ...table(["peer", "state", "round trip", "strikes", "why, and what next"], rows),
    ...list(hintsIn(stats).map(({ counter, count, text: said }) => `\`${counter}\` ${count}: ${said}`)),
    "",
    "```json",
    JSON.stringify(Object.fromEntries(Object.entries(stats).filter(([, value]) => value !== 0))),
    "```",
  ];
}

function logLines(log: readonly LogEntry[]): readonly string[] {
  if (log.length === 0) return ["Empty."];
  const shown = log.slice(-LOG_LINES_MAX);
  const left = log.length > shown.length ? [`The last ${shown.length} of ${log.length}.`, ""] : [];
  // Indented text is shown as it is: nothing in it is Markdown.
  const row = (entry: LogEntry): string => `    ${[formatClock(entry.at), sinceWords(entry).padStart(8), selfWords(entry), entry.kind, shortId(entry.peer), line(entry.text)].join("  ")}`;
  return [...left, ...shown.map((entry) => row(entry).trimEnd())];
}

function cutEntry({ at, sinceMs, side, self, kind, peer, text: said }: LogEntry): object {
  return { at: new Date(at).toISOString(), sinceMs, side, self: shortId(self), kind, peer: shortId(peer), text: said };
}

function cutPeer(peer: PeerInfo): object {
  const { lastFailure } = peer;
  return { ...peer, id: shortId(peer.id), lastFailure: lastFailure === null ? null : { ...lastFailure, peer: shortId(lastFailure.peer) } };
}

function list(items: readonly string[]): readonly string[] {
  return items.length === 0 ? [] : ["", ...items.map((item) => `- ${item}`)];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  if (rows.length === 0) return [];
  const row = (cells: readonly string[]): string => `| ${cells.map((cell) => text(cell)).join(" | ")} |`;
  return ["", row(head), row(head.map(() => "---")), ...rows.map(row)];
}

/** One line, in which nothing is Markdown: browsers and peers have a say in reasons. */
function text(words: string): string {
  return line(words).replace(/[\\`*_[\]<>|#]/gu, (mark) => `\\${mark}`);
}

function line(words: string): string {
  return words.replace(/\s+/gu, " ").trim();
}
