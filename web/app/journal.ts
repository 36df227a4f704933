import type { Swarm, SwarmEvents } from "../sdk/index.ts";
import { Changes } from "./changes.ts";

/** How many entries are kept; the oldest go first. */
export const JOURNAL_MAX = 500;

/** Events that come with every chunk are noted at most this often for each content, or they would push out all others. */
const FREQUENT_MS = 1000;

/** Most contents whose frequent events are told apart. */
const FREQUENT_MAX = 1000;

export type Level = "debug" | "info" | "warn" | "error";

export interface JournalEntry {
  /** Counts up from 1 and never repeats. */
  readonly number: number;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  readonly level: Level;
  readonly kind: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

const LEVELS: Record<keyof SwarmEvents, Level> = {
  status: "debug",
  "peer:discover": "info",
  "peer:connect": "info",
  "peer:update": "debug",
  "peer:disconnect": "info",
  "peer:lose": "info",
  "connect:failed": "warn",
  "content:available": "info",
  "content:update": "debug",
  "content:remove": "info",
  "content:progress": "debug",
  "content:upload": "debug",
  security: "warn",
  close: "info",
};

const FREQUENT: ReadonlySet<string> = new Set(["content:progress", "content:upload", "content:update", "peer:update", "status"]);

/** The last events of a swarm, in order, as data. */
export class Journal {
  readonly changes = new Changes();
  #entries: JournalEntry[] = [];
  #number = 0;
  readonly #lastAt = new Map<string, number>();

  get entries(): readonly JournalEntry[] {
    return this.#entries;
  }

  /** Notes every event of a swarm until `signal` fires. */
  follow(swarm: Pick<Swarm, "addEventListener">, signal: AbortSignal): void {
    for (const kind of Object.keys(LEVELS) as (keyof SwarmEvents)[]) {
      swarm.addEventListener(kind, (event) => this.note(LEVELS[kind], kind, fieldsOf(event.detail)), { signal });
    }
  }

  note(level: Level, kind: string, fields: Readonly<Record<string, unknown>>, at: number = Date.now()): void {
    if (FREQUENT.has(kind) && !this.#due(`${kind} ${String(fields["id"] ?? "")}`, at)) return;
    this.#number += 1;
    const entry: JournalEntry = { number: this.#number, at, level, kind, fields };
    // A new array, so that a follower can tell by identity that there is something new.
    this.#entries = [...this.#entries.slice(-(JOURNAL_MAX - 1)), entry];
    this.changes.changed();
  }

  clear(): void {
    this.#entries = [];
    this.changes.changed();
  }

  #due(subject: string, at: number): boolean {
    const last = this.#lastAt.get(subject);
    if (last !== undefined && at - last < FREQUENT_MS && at >= last) return false;
    this.#lastAt.delete(subject);
    this.#lastAt.set(subject, at);
    const oldest = this.#lastAt.keys().next();
    if (this.#lastAt.size > FREQUENT_MAX && oldest.done !== true) this.#lastAt.delete(oldest.value);
    return true;
  }
}

/** Returns the entries of `kind` (all if it is empty) in whose kind or fields the text occurs, whatever its case. */
export function filterJournal(entries: readonly JournalEntry[], text: string, kind: string): readonly JournalEntry[] {
  const wanted = text.trim().toLowerCase();
  return entries.filter((entry) => {
    if (kind !== "" && entry.kind !== kind) return false;
    return wanted === "" || `${entry.level} ${entry.kind} ${fieldTexts(entry.fields).join(" ")}`.toLowerCase().includes(wanted);
  });
}

/** Returns the fields that say something, each as name and text. */
export function fieldTexts(fields: Readonly<Record<string, unknown>>): readonly (readonly [string, string])[] {
  return Object.entries(fields)
    .filter(([, value]) => value !== null && value !== undefined && value !== "")
    .map(([name, value]) => [name, typeof value === "object" ? JSON.stringify(value) : String(value)]);
}

/** Returns entries as JSON for a bug report, with times that people and programs can read. */
export function journalJson(entries: readonly JournalEntry[]): string {
  const rows = entries.map(({ at, level, kind, fields }) => ({ at: new Date(at).toISOString(), level, kind, fields }));
  return JSON.stringify(rows, null, 2);
}

function fieldsOf(detail: unknown): Readonly<Record<string, unknown>> {
  return typeof detail === "object" && detail !== null ? { ...detail } : {};
}
