/** The last events of connecting, of the person's swarm and of the test peers, each with its time since the attempt began. */

import type { PeerInfo, Swarm } from "../../sdk/index.ts";
import { formatRtt, shortId } from "../../ui/format.ts";
import { attemptWords } from "../../ui/peer-words.ts";
import { causeWords } from "../../ui/words.ts";
import { Changes } from "../changes.ts";
import type { JournalEntry } from "../journal.ts";

/** How many entries are kept. */
export const LOG_MAX = 500;

/** Of these, how many are kept for each side at least: a stress test must not push out what a person came to see. */
const KEPT_MIN = LOG_MAX / 2;

/** Most pairs of peers of whom something is remembered; the oldest go first. 32 test peers with 31 others each, and some more. */
const PAIRS_MAX = 1024;

export type LogKind = "discovered" | "connecting" | "stage" | "connected" | "disconnected" | "lost" | "failed" | "waiting" | "security";

const ENDS: ReadonlySet<LogKind> = new Set<LogKind>(["connected", "disconnected", "lost", "failed", "waiting"]);

/** Whose event: of the swarm that the person runs, or of a test's. */
export type LogSide = "yours" | "test";

export interface LogEvent {
  readonly kind: LogKind;
  readonly side: LogSide;
  /** Whose event, and about whom. */
  readonly self: string;
  readonly peer: string;
  readonly text: string;
}

export interface LogEntry extends LogEvent {
  /** Counts up from 1 and never repeats. */
  readonly number: number;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  /** Milliseconds since the attempt to connect began; null outside of attempts. */
  readonly sinceMs: number | null;
}

export class ConnectionLog {
  readonly changes = new Changes();
  #entries: LogEntry[] = [];
  #number = 0;
  /** When the attempt between two peers began, on a clock that nobody sets, and its last stage. */
  readonly #attempts = new Map<string, { readonly beganMs: number; stage: string }>();
  /** For when a peer was told to be tried next. */
  readonly #nextTries = new Map<string, number>();

  get entries(): readonly LogEntry[] {
    return this.#entries;
  }

  clear(): void {
    this.#entries = [];
    this.changes.changed();
  }

  /** Notes the events of a swarm until `signal` fires. */
  follow(swarm: Pick<Swarm, "id" | "addEventListener">, side: LogSide, signal: AbortSignal): void {
    const note = (kind: LogKind, peer: string, text = ""): void => this.note({ kind, side, self: swarm.id, peer, text }, performance.now(), Date.now());
    const options = { signal };
    swarm.addEventListener("peer:discover", ({ detail }) => note("discovered", detail.id), options);
    swarm.addEventListener("peer:update", ({ detail }) => this.update(detail, side, swarm.id, performance.now(), Date.now()), options);
    swarm.addEventListener("peer:connect", ({ detail }) => note("connected", detail.id), options);
    swarm.addEventListener("peer:disconnect", ({ detail }) => note("disconnected", detail.id, detail.cause), options);
    swarm.addEventListener("peer:lose", ({ detail }) => note("lost", detail.id), options);
    swarm.addEventListener("connect:failed", ({ detail }) => note("failed", detail.peer, causeWords(detail)), options);
    swarm.addEventListener("security", ({ detail }) => note("security", detail.peer, `${detail.kind} (${detail.action})`), options);
  }

  /** Takes a peer's new state; only what says something about connecting is noted. */
  update({ id, state, stage, nextTryAt }: PeerInfo, side: LogSide, self: string, monoMs: number, at: number): void {
    const pair = `${self} ${id}`;
    const attempt = this.#attempts.get(pair);
    const note = (kind: LogKind, text: string): void => this.note({ kind, side, self, peer: id, text }, monoMs, at);
    if (stage !== null && attempt === undefined) {
      remember(this.#attempts, pair, { beganMs: monoMs, stage });
      note("connecting", attemptWords(stage));
    } else if (stage !== null && attempt !== undefined && attempt.stage !== stage) {
      attempt.stage = stage;
      note("stage", attemptWords(stage));
    } else if (state === "backoff" && nextTryAt !== null && this.#nextTries.get(pair) !== nextTryAt) {
      remember(this.#nextTries, pair, nextTryAt);
      note("waiting", `next try in ${formatRtt(Math.max(0, nextTryAt - at))}`);
    } else if (stage === null && state !== "connecting") {
      this.#attempts.delete(pair);
    }
  }

  note(event: LogEvent, monoMs: number, at: number): void {
    const pair = `${event.self} ${event.peer}`;
    const attempt = this.#attempts.get(pair);
    this.#number += 1;
    const sinceMs = attempt === undefined ? null : monoMs - attempt.beganMs;
    this.#entries = bounded([...this.#entries, { ...event, number: this.#number, at, sinceMs }]);
    if (ENDS.has(event.kind)) this.#attempts.delete(pair);
    this.changes.changed();
  }

  /** Notes what the journal of the app heard before anybody looked here. */
  recall(self: string, entries: readonly JournalEntry[]): void {
    for (const { kind, fields, at } of entries) {
      const event = fromJournal(kind, fields);
      if (event !== null) this.note({ ...event, side: "yours", self }, at, at);
    }
  }
}

/** Returns the entries that are of a side (all if null) and have the text in them, whatever its case. */
export function filterLog(entries: readonly LogEntry[], side: LogSide | null, text: string): readonly LogEntry[] {
  const wanted = text.trim().toLowerCase();
  return entries.filter((entry) => (side === null || entry.side === side) && (wanted === "" || `${entry.kind} ${entry.self} ${entry.peer} ${entry.text}`.toLowerCase().includes(wanted)));
}

/** Returns an entry's time since its attempt began, `+34 ms`; empty outside of attempts. */
export function sinceWords({ sinceMs }: Pick<LogEntry, "sinceMs">): string {
  if (sinceMs === null) return "";
  return `+${sinceMs < 1 ? "0\u00a0ms" : formatRtt(sinceMs)}`;
}

/** Returns whose event it was, as people read it. */
export function selfWords({ side, self }: Pick<LogEntry, "side" | "self">): string {
  return side === "yours" ? "You" : `Test ${shortId(self)}`;
}

function remember<T>(pairs: Map<string, T>, pair: string, value: T): void {
  pairs.delete(pair);
  pairs.set(pair, value);
  const oldest = pairs.keys().next();
  if (pairs.size > PAIRS_MAX && oldest.done !== true) pairs.delete(oldest.value);
}

/** The oldest of the side that has more than its share goes first. */
function bounded(entries: LogEntry[]): LogEntry[] {
  if (entries.length <= LOG_MAX) return entries;
  const tests = entries.filter(({ side }) => side === "test").length;
  const crowded: LogSide = tests > KEPT_MIN ? "test" : "yours";
  const index = entries.findIndex(({ side }) => side === crowded);
  return entries.toSpliced(index, 1);
}

function fromJournal(kind: string, fields: Readonly<Record<string, unknown>>): Pick<LogEvent, "kind" | "peer" | "text"> | null {
  const text = (name: string): string => (typeof fields[name] === "string" ? fields[name] : "");
  switch (kind) {
    case "peer:discover":
      return { kind: "discovered", peer: text("id"), text: "" };
    case "peer:connect":
      return { kind: "connected", peer: text("id"), text: "" };
    case "peer:disconnect":
      return { kind: "disconnected", peer: text("id"), text: text("cause") };
    case "peer:lose":
      return { kind: "lost", peer: text("id"), text: "" };
    case "connect:failed":
      return { kind: "failed", peer: text("peer"), text: `${text("reason")} (${text("stage")}). ${text("hint")}`.trim() };
    case "security":
      return { kind: "security", peer: text("peer"), text: `${text("kind")} (${text("action")})` };
    default:
      return null;
  }
}
