import { Swarm, broadcastChannel, isSupported, rendezvous } from "../sdk/index.ts";
import { errorWords } from "../ui/words.ts";
import { Changes } from "./changes.ts";
import { Files } from "./files.ts";
import { Journal } from "./journal.ts";
import { Notices } from "./notices.ts";
import { linkIn, readParams } from "./params.ts";
import type { Params } from "./params.ts";
import { here, namespaceOf, roomIn } from "./place.ts";
import { Preferences } from "./preferences.ts";

/** The rendezvous server that the page came from. Where there is none, the status says so, and the rest goes on. */
const SERVER = "/v1/signal";

/** What that server knows of STUN and TURN. */
const ICE = "/v1/ice";

/** How long it may take to say so. Guess. */
const ICE_MAX_MS = 3_000;

/** What the app's swarm connects with where all peers are in one browser, and in tests: no servers. */
export const RTC: RTCConfiguration = { iceServers: [] };

export type SessionState =
  | { readonly state: "opening" }
  | { readonly state: "failed"; readonly text: string }
  | { readonly state: "open"; readonly swarm: Swarm; readonly files: Files; readonly preferences: Preferences };

/** The page's swarm and all that is kept about it, from opening the page to leaving it. */
export class Session {
  readonly changes = new Changes();
  readonly journal = new Journal();
  readonly notices = new Notices();
  readonly params: Params;
  /** The secret of the room that the page was opened in; null: the swarm of this browser. */
  readonly room: string | null;
  readonly #end = new AbortController();
  #now: SessionState = { state: "opening" };
  /** The share link in the address, as long as it is not fetched. */
  #link: string | null = null;

  constructor() {
    this.params = readParams(location.search);
    this.room = roomIn(location.hash);
  }

  get now(): SessionState {
    return this.#now;
  }

  async open(): Promise<void> {
    const support = isSupported();
    if (!support.ok) {
      const missing = support.missing.join(", ");
      this.#become({ state: "failed", text: `This browser lacks ${missing}. Use a current Firefox, Chrome, Edge or Safari.` });
      return;
    }
    try {
      const swarm = await Swarm.open({
        app: this.#namespace,
        profile: this.params.profile,
        maxConnections: this.params.maxConnections,
        // Nobody outside this browser is met, or asked anything, unless one opens a room.
        ...(this.room === null ? { rtc: RTC } : { rtc: iceOf, signalling: [broadcastChannel(), rendezvous(SERVER)] }),
        autostart: false,
        signal: this.#end.signal,
        log: (level, event, fields) => this.journal.note(level, event, fields),
      });
      await this.#opened(swarm);
    } catch (error) {
      this.#become({ state: "failed", text: errorWords(error) });
    }
  }

  /** Turns P2P on, and remembers it for this profile. */
  async enable(): Promise<void> {
    if (this.#now.state !== "open") return;
    const { swarm, preferences } = this.#now;
    try {
      await swarm.start();
      preferences.enabled = true;
    } catch (error) {
      this.notices.show("danger", "P2P could not be turned on", `${errorWords(error)} Your files are as they were.`);
    }
  }

  /** Remembers what a person chose with the switch of the status indicator. */
  remember(enabled: boolean): void {
    if (this.#now.state === "open") this.#now.preferences.enabled = enabled;
  }

  async #opened(swarm: Swarm): Promise<void> {
    const { signal } = this.#end;
    window.swarm = swarm;
    this.journal.follow(swarm, signal);
    // Who opens the link of a room wants to meet those who are there.
    const preferences = new Preferences(this.#namespace, swarm.id, this.room !== null);
    const files = new Files(swarm, preferences, this.notices);
    await files.start(signal);
    swarm.addEventListener("close", () => this.#closed(), { signal });
    files.changes.follow(() => this.#tidyAddress(files));
    addEventListener("hashchange", () => this.#onAddress(files), { signal });
    this.#become({ state: "open", swarm, files, preferences });
    this.#openLink(files);
    if (this.params.p2p && !preferences.enabled) await swarm.start();
    else if (preferences.enabled) await this.enable();
  }

  get #namespace(): string {
    return namespaceOf(this.params.app, this.room);
  }

  #onAddress(files: Files): void {
    // Another room is another swarm, with files of its own.
    if (roomIn(location.hash) === this.room) this.#openLink(files);
    else location.reload();
  }

  #openLink(files: Files): void {
    const link = linkIn(location.hash);
    if (link === null) return;
    this.#link = link;
    files.open(link);
  }

  /** Once it is fetched or given up, the link leaves the address: a reload must not fetch again what was removed. */
  #tidyAddress(files: Files): void {
    if (this.#link === null || files.wants(this.#link)) return;
    if (linkIn(location.hash) === this.#link) history.replaceState(null, "", here("#/files"));
    this.#link = null;
  }

  #closed(): void {
    this.notices.show("danger", "The swarm of this tab has ended", "What is stored here is kept. Reload the page to go on.");
  }

  #become(now: SessionState): void {
    this.#now = now;
    this.changes.changed();
  }
}

async function iceOf(): Promise<RTCConfiguration> {
  try {
    const answer = await fetch(ICE, { signal: AbortSignal.timeout(ICE_MAX_MS) });
    const { iceServers } = (await answer.json()) as RTCConfiguration;
    return Array.isArray(iceServers) ? { iceServers } : RTC;
  } catch {
    // There is no server, or it is down: direct connections may do.
    return RTC;
  }
}

declare global {
  interface Window {
    /** The running swarm, for the console. */
    swarm?: Swarm;
  }
}
