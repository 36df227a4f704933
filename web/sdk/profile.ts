/**
 * Which stored identity a tab has: the profile, held by a Web Lock as long as the tab lives.
 *
 * `sessionStorage` remembers it across a reload. A duplicated tab gets a copy of that, while the first still holds the
 * lock; so whoever lets go of a profile writes down that it did, and only then is it worth waiting for the lock. The copy
 * forgets what it sees in the first one's hands, or it would take that while both reload.
 */

import { SwarmError } from "./errors.ts";
import type { Wait } from "./types.ts";
import { throwIfAborted, waitFor } from "./wait.ts";

/** How long a lock that this tab let go of may take to come free: a reload tears the old page down first. */
const RELEASE_WAIT_MS_MAX = 3_000;

/** Tabs of one app in one browser. Guess: more than anybody has open, and Chrome has 500 connections per process. */
const PROFILES_MAX = 256;

/** A claimed profile. Nobody else has it until it is released. */
export interface Profile {
  readonly name: string;
  /** The page goes away, or is kept for going back: the next page of this tab may wait for the lock. */
  markReleased(): void;
  /** The page came back with its lock. */
  markHeld(): void;
  release(): void;
}

interface Remembered {
  readonly name: string;
  readonly released: boolean;
}

/** Claims run one after the other, so that two swarms opened at once see each other's choice. */
let claims: Promise<unknown> = Promise.resolve();

/** The locks that swarms of this page hold. */
const ours = new Set<string>();

/** Whether profiles can be claimed here: Web Locks exist in secure contexts only. */
export function canClaim(): boolean {
  return typeof navigator !== "undefined" && navigator.locks !== undefined;
}

/**
 * Claims the profile of that name, or the one this tab had, or the first free one.
 *
 * Rejects with `DENIED` if another tab holds the named one, or all are taken.
 */
export function claimProfile(app: string, name: string | undefined, wait: Wait): Promise<Profile> {
  const claim = claims.then(async () => {
    throwIfAborted(wait.signal);
    return name === undefined ? claimAny(app) : claimNamed(app, name);
  });
  claims = claim.catch(() => undefined);
  const given = waitFor(claim, wait);
  // Whoever gave up waiting gets no profile: let go of the one that comes too late.
  given.catch(() => claim.then((profile) => profile.release()).catch(() => undefined));
  return given;
}

async function claimNamed(app: string, name: string): Promise<Profile> {
  const release = await hold(lockName(app, name), RELEASE_WAIT_MS_MAX);
  if (release === null) {
    throw new SwarmError("DENIED", `the profile "${name}" is in use by another tab`);
  }
  return { name, markReleased: () => undefined, markHeld: () => undefined, release };
}

async function claimAny(app: string): Promise<Profile> {
  for (const { name, released } of recall(app)) {
    const release = await hold(lockName(app, name), released ? RELEASE_WAIT_MS_MAX : 0);
    if (release !== null) {
      return remembered(app, name, release);
    }
    if (!ours.has(lockName(app, name))) {
      forget(app, name);
    }
  }
  for (let index = 0; index < PROFILES_MAX; index++) {
    const name = String(index);
    const release = await hold(lockName(app, name), 0);
    if (release !== null) {
      return remembered(app, name, release);
    }
  }
  throw new SwarmError("DENIED", `all ${PROFILES_MAX} profiles are in use by other tabs`);
}

function remembered(app: string, name: string, release: () => void): Profile {
  const mark = (released: boolean): void => remember(app, { name, released });
  mark(false);
  return {
    name,
    markReleased: () => mark(true),
    markHeld: () => mark(false),
    release: () => {
      release();
      mark(true);
    },
  };
}

/** Takes a lock and keeps it until the returned function is called, or the tab dies; null if it is not free in time. */
function hold(name: string, waitMs: number): Promise<(() => void) | null> {
  return new Promise((resolve, reject) => {
    const held = (lock: Lock | null): Promise<void> | undefined => {
      if (lock === null) {
        resolve(null);
        return undefined;
      }
      ours.add(name);
      return new Promise<void>((release) => resolve(release)).finally(() => ours.delete(name));
    };
    if (waitMs === 0) {
      navigator.locks.request(name, { ifAvailable: true }, held).catch(reject);
      return;
    }
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), waitMs);
    navigator.locks
      .request(name, { signal: late.signal }, (lock) => {
        clearTimeout(timer);
        return held(lock);
      })
      .catch((cause: unknown) => (late.signal.aborted ? resolve(null) : reject(cause)));
  });
}

function lockName(app: string, profile: string): string {
  return `peerloom:${storeName(app, profile)}`;
}

/** Names the OPFS file, the database and the lock of a profile: `peerloom-<app>-<profile>`, fit for a file name. */
export function storeName(app: string, profile: string): string {
  // A hyphen within the profile is escaped, so that no two pairs give one name.
  return `peerloom-${encodeURIComponent(app)}-${encodeURIComponent(profile).replaceAll("-", "%2D")}`;
}

function memoryKey(app: string): string {
  return `peerloom:${app}:profiles`;
}

/** The profiles this tab had, a swarm each; what others wrote there is ignored. */
function recall(app: string): Remembered[] {
  try {
    const list: unknown = JSON.parse(sessionStorage.getItem(memoryKey(app)) ?? "[]");
    return Array.isArray(list) ? list.filter(isRemembered) : [];
  } catch {
    // No sessionStorage (the person forbids it): a reload gets the first free profile.
    return [];
  }
}

function isRemembered(item: unknown): item is Remembered {
  const { name, released } = (item ?? {}) as Partial<Remembered>;
  return typeof name === "string" && typeof released === "boolean";
}

function remember(app: string, item: Remembered): void {
  const list = recall(app);
  const at = list.findIndex(({ name }) => name === item.name);
  list[at < 0 ? list.length : at] = item;
  write(app, list);
}

function forget(app: string, name: string): void {
  write(
    app,
    recall(app).filter((item) => item.name !== name),
  );
}

function write(app: string, list: readonly Remembered[]): void {
  try {
    sessionStorage.setItem(memoryKey(app), JSON.stringify(list));
  } catch {
    // As above: nothing that can be done, and nothing that breaks.
  }
}

/** For a swarm that shares nothing with any other: no lock, a name that nobody guesses. */
export function ephemeralProfile(): Profile {
  const name = `ephemeral-${crypto.randomUUID()}`;
  return { name, markReleased: () => undefined, markHeld: () => undefined, release: () => undefined };
}
