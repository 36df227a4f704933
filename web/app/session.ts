import { Swarm, isSupported } from "../sdk/index.ts";
import { errorWords } from "../ui/words.ts";
import { Changes } from "./changes.ts";
import { Files } from "./files.ts";
import { Journal } from "./journal.ts";
import { Notices } from "./notices.ts";
import { linkIn, readParams } from "./params.ts";
import type { Params } from "./params.ts";
import { Preferences } from "./preferences.ts";

/** What the app's swarm connects with: no servers, since it knows of none. */
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
  readonly #end = new AbortController();
  #now: SessionState = { state: "opening" };
  /** The share link in the address, as long as it is not fetched. */
  #link: string | null = null;

  constructor() {
    this.params = readParams(location.search);
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
        app: this.params.app,
        profile: this.params.profile,
        maxConnections: this.params.maxConnections,
        rtc: RTC,
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
    const preferences = new Preferences(this.params.app, swarm.id);
    const files = new Files(swarm, preferences, this.notices);
    await files.start(signal);
    swarm.addEventListener("close", () => this.#closed(), { signal });
    files.changes.follow(() => this.#tidyAddress(files));
    addEventListener("hashchange", () => this.#openLink(files), { signal });
    this.#become({ state: "open", swarm, files, preferences });
    this.#openLink(files);
    if (this.params.p2p && !preferences.enabled) await swarm.start();
    else if (preferences.enabled) await this.enable();
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
    if (location.hash === this.#link) history.replaceState(null, "", "#/files");
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

declare global {
  interface Window {
    /** The running swarm, for the console. */
    swarm?: Swarm;
  }
}
