import type { ContentId, ContentInfo, Download, Progress, ShareLink, Swarm } from "../sdk/index.ts";
import { formatBytes } from "../ui/format.ts";
import { RateMeter } from "../ui/rate.ts";
import { errorCode, errorWords } from "../ui/words.ts";
import { Changes } from "./changes.ts";
import { entryOf, fetching, newItem, progressOf } from "./entry.ts";
import type { Entry, Item } from "./entry.ts";
import type { Notices } from "./notices.ts";
import { ListOrder } from "./order.ts";
import type { Preferences } from "./preferences.ts";
import { Uploads } from "./uploads.ts";

/** Files read and stored at once: the store writes what small files bring together in one transaction. Guess. */
const ADDING_MAX = 4;

/** How often rates and times left are drawn anew while something moves. */
const TICK_MS = 500;

/** A link as the SDK writes it; the id is all that the list needs before anybody is connected. */
const LINK_ID = /^#peerloom=([0-9a-f]{64})(?:\.|$)/u;

/** What of a swarm the files use. */
export type FilesSwarm = Pick<Swarm, "status" | "content" | "addEventListener">;

/** The files of the page: what is here, what peers offer, and what is on its way. */
export class Files {
  readonly changes = new Changes();
  readonly #swarm: FilesSwarm;
  readonly #preferences: Preferences;
  readonly #notices: Notices;
  readonly #items = new Map<string, Item>();
  readonly #keys = new Map<ContentId, string>();
  readonly #order = new ListOrder();
  readonly #uploads = new Uploads();
  /** What a person is removing now: its row goes at once, held or not. */
  readonly #removing = new Set<ContentId>();
  readonly #drawn = new Map<string, Entry>();
  #number = 0;
  #adding = 0;
  /** Whether P2P was off when the status was last told: each row shows it, and asking the core for each is not free. */
  #off = true;
  #tick: ReturnType<typeof setInterval> | undefined;

  constructor(swarm: FilesSwarm, preferences: Preferences, notices: Notices) {
    this.#swarm = swarm;
    this.#preferences = preferences;
    this.#notices = notices;
  }

  /** Follows the swarm until `signal` fires, and goes on with the downloads that were not paused. */
  async start(signal: AbortSignal): Promise<void> {
    const swarm = this.#swarm;
    swarm.addEventListener("content:available", (event) => this.#known(event.detail), { signal });
    swarm.addEventListener("content:update", (event) => this.#known(event.detail), { signal });
    swarm.addEventListener("content:remove", (event) => this.#forgotten(event.detail.id), { signal });
    swarm.addEventListener("content:progress", (event) => this.#moved(event.detail.id, event.detail), { signal });
    swarm.addEventListener("content:upload", (event) => {
      this.#uploads.note(event.detail, performance.now());
      this.#touch(this.#keys.get(event.detail.id));
    }, { signal });
    swarm.addEventListener("status", () => this.#switched(), { signal });
    signal.addEventListener("abort", () => this.#stopTicking(), { once: true });
    for (const info of await swarm.content.list()) {
      this.#known(info);
      const item = this.#itemOf(info.id);
      if (item === null || info.complete || item.work.state !== "none") continue;
      item.work = this.#preferences.paused(info.id) ? { state: "paused", download: null, progress: null } : fetching(null, null);
    }
    for (const info of swarm.content.available()) this.#known(info);
    this.#switched();
  }

  /** The rows, from the top; an entry is a new object if and only if it changed. */
  get entries(): readonly Entry[] {
    return this.#order.keys.flatMap((key) => {
      const entry = this.#entry(key);
      return entry === null ? [] : [entry];
    });
  }

  /** How many new rows wait because somebody points at the list. */
  get waiting(): number {
    return this.#order.waiting;
  }

  hold(held: boolean): void {
    if (this.#order.hold(held)) this.#settled();
  }

  showWaiting(): void {
    if (this.#order.apply()) this.#settled();
  }

  add(files: readonly File[]): void {
    for (const file of files) {
      this.#insert(newItem(this.#newKey("add"), { state: "queued", file, abort: new AbortController() }), true);
    }
    this.#addNext();
  }

  /** Looks for the content of a share link, as `#peerloom=…`. */
  open(link: string): void {
    const id = (LINK_ID.exec(link)?.[1] ?? null) as ContentId | null;
    let item = id === null ? null : this.#itemOf(id);
    if (item === null) {
      item = newItem(this.#newKey("link"), { state: "none" });
      item.id = id;
      if (id !== null) this.#keys.set(id, item.key);
      this.#insert(item, true);
    }
    item.what = link as ShareLink;
    if (item.info?.complete === true || item.work.state === "fetching") return;
    if (item.id !== null) this.#preferences.setPaused(item.id, false);
    this.#begin(item);
  }

  /** Returns whether the content of a link that was opened is still to be fetched. */
  wants(link: string): boolean {
    return [...this.#items.values()].some((item) => item.what === link && item.work.state !== "none");
  }

  fetch(key: string): void {
    const item = this.#items.get(key);
    if (item === undefined || item.id === null) return;
    this.#preferences.setPaused(item.id, false);
    this.#begin(item);
  }

  pause(key: string): void {
    const item = this.#items.get(key);
    if (item === undefined || item.work.state !== "fetching" || item.id === null) return;
    this.#preferences.setPaused(item.id, true);
    // Somebody may have begun this download in the console; asking for it again joins it.
    const download = item.work.download ?? (this.#off ? null : this.#swarm.content.get(item.what ?? item.id));
    download?.pause();
    item.work = { state: "paused", download, progress: item.work.progress };
    this.#touch(key);
  }

  resume(key: string): void {
    const item = this.#items.get(key);
    if (item === undefined || item.work.state !== "paused" || item.id === null) return;
    this.#preferences.setPaused(item.id, false);
    const { download, progress } = item.work;
    if (download === null) {
      this.#begin(item);
      return;
    }
    item.work = fetching(download, progress);
    download.resume();
    this.#touch(key);
  }

  retry(key: string): void {
    const item = this.#items.get(key);
    if (item === undefined || item.work.state !== "failed") return;
    const { again } = item.work.failure;
    if (again.what === "fetch") {
      this.#begin(item);
      return;
    }
    item.work = { state: "queued", file: again.file, abort: new AbortController() };
    this.#touch(key);
    this.#addNext();
  }

  /** Ends what is going on. What was fetched of an incomplete content is deleted; a paused one keeps it. */
  async cancel(key: string): Promise<void> {
    const item = this.#items.get(key);
    if (item === undefined) return;
    const { work } = item;
    item.work = { state: "none" };
    if (work.state === "queued" || work.state === "adding") work.abort.abort();
    if (work.state === "fetching" || work.state === "paused") work.download?.cancel();
    if (item.id === null || item.info === null) {
      this.#drop(item, true);
      return;
    }
    this.#touch(key);
    if (!item.info.complete) await this.#delete(item.id);
  }

  async remove(key: string): Promise<void> {
    const id = this.#items.get(key)?.id ?? null;
    if (id !== null) await this.#delete(id);
  }

  /** Returns the whole content, for a preview or to save it. */
  async blob(id: ContentId): Promise<Blob> {
    return await this.#swarm.content.get(id);
  }

  /** Returns the link to hand on; null if its key is not known here. */
  link(id: ContentId): ShareLink | null {
    return this.#swarm.content.link(id);
  }

  #addNext(): void {
    for (const item of this.#items.values()) {
      if (this.#adding >= ADDING_MAX) return;
      if (item.work.state === "queued") void this.#add(item, item.work.file, item.work.abort);
    }
  }

  async #add(item: Item, file: File, abort: AbortController): Promise<void> {
    const meter = new RateMeter();
    const work: Item["work"] = { state: "adding", file, abort, meter, progress: null };
    item.work = work;
    this.#adding += 1;
    this.#touch(item.key);
    this.#startTicking();
    try {
      const info = await this.#swarm.content.add(file, {
        name: file.name,
        mime: file.type || "application/octet-stream",
        signal: abort.signal,
        onProgress: (progress) => {
          work.progress = progress;
          meter.sample(progress.doneBytes, performance.now());
          this.#touch(item.key);
        },
      });
      this.#added(item, info);
    } catch (error) {
      if (errorCode(error) === "ABORTED") this.#drop(item, true);
      else {
        const text = `It was not added. ${errorWords(error)} Nothing of it was kept; your file is as it was.`;
        item.work = { state: "failed", failure: { text, again: { what: "add", file } }, progress: null };
        this.#notices.say(`${file.name}: ${text}`);
        this.#touch(item.key);
      }
    } finally {
      this.#adding -= 1;
      this.#addNext();
    }
  }

  #added(item: Item, info: ContentInfo): void {
    const twin = this.#itemOf(info.id);
    if (twin !== null && twin !== item) this.#drop(twin, true);
    const taken = item.id === null || item.id === info.id ? null : item.info;
    item.id = info.id;
    item.info = twin?.info ?? info;
    item.work = { state: "none" };
    this.#keys.set(info.id, item.key);
    this.#notices.say(`${info.name} is shared`);
    this.#touch(item.key);
    if (taken === null) return;
    // It was another content of this name and length, which gets a row of its own.
    this.#keys.delete(taken.id);
    this.#known(taken);
  }

  /** Returns the row of a file that is being added and may be this content: its announcement comes before the answer to adding it. */
  #addingOf(info: ContentInfo): Item | null {
    if (!info.complete) return null;
    const alike = [...this.#items.values()].filter(({ id, work }) => id === null && work.state === "adding" && work.file.name === info.name && work.file.size === info.bytes);
    const [only] = alike;
    return alike.length === 1 && only !== undefined ? only : null;
  }

  #begin(item: Item): void {
    const what = item.what ?? item.id;
    if (what === null) return;
    const progress = progressOf(item.work);
    // A link is handed over even while P2P is off, so that garbage is told at once.
    if (this.#off && item.what === null) {
      item.work = fetching(null, progress);
      this.#touch(item.key);
      return;
    }
    const download = this.#swarm.content.get(what);
    item.work = fetching(download, progress);
    this.#startTicking();
    this.#touch(item.key);
    download.done.then(
      () => this.#fetched(item, download),
      (error: unknown) => this.#stopped(item, download, error),
    );
  }

  #fetched(item: Item, download: Download): void {
    if (!owns(item, download)) return;
    item.work = { state: "none" };
    item.what = null;
    if (item.id !== null) this.#preferences.setPaused(item.id, false);
    if (item.info !== null) {
      item.info = { ...item.info, complete: true, local: "complete", download: null };
      this.#notices.say(`${item.info.name} is complete`);
    }
    this.#touch(item.key);
  }

  #stopped(item: Item, download: Download, error: unknown): void {
    if (!owns(item, download)) return;
    const progress = progressOf(item.work);
    const code = errorCode(error);
    if (code === "CLOSED") {
      // The swarm was closed: the wish stays for the next one.
      item.work = item.work.state === "paused" ? { state: "paused", download: null, progress } : fetching(null, progress);
    } else if (code === "ABORTED") {
      item.work = { state: "none" };
      if (item.info === null) this.#drop(item, true);
    } else if (item.info === null && (code === "BAD_INPUT" || code === "WRONG_KEY")) {
      this.#drop(item, true);
      this.#notices.show("danger", "This share link can’t be opened", errorWords(error));
    } else {
      const kept = progress === null || progress.doneBytes === 0 ? "" : ` The ${formatBytes(progress.doneBytes)} that arrived are kept.`;
      const text = `Fetching stopped. ${errorWords(error)}${kept}`;
      item.work = { state: "failed", failure: { text, again: { what: "fetch" } }, progress };
      this.#notices.say(`${item.info?.name ?? "Shared file"}: ${text}`);
    }
    this.#touch(item.key);
  }

  /** A content appeared or changed. */
  #known(info: ContentInfo): void {
    let item = this.#itemOf(info.id);
    const adding = item === null ? this.#addingOf(info) : null;
    if (adding !== null) {
      item = adding;
      item.id = info.id;
      this.#keys.set(info.id, item.key);
    } else if (item === null) {
      item = newItem(this.#newKey("content"), { state: "none" });
      item.id = info.id;
      this.#keys.set(info.id, item.key);
      this.#insert(item, false);
    } else if (this.#order.isGone(item.key)) this.#order.add(item.key, false);
    item.info = isDescribed(info) ? info : item.info;
    if (info.download === "running" && item.work.state === "none") {
      item.work = fetching(null, null);
      this.#startTicking();
    }
    if (info.complete && item.work.state === "fetching" && item.work.download === null) item.work = { state: "none" };
    this.#touch(item.key);
  }

  #forgotten(id: ContentId): void {
    const item = this.#itemOf(id);
    if (item === null) return;
    // What is wanted is looked for until somebody has it again.
    if (item.work.state === "none") this.#drop(item, this.#removing.has(id));
    else this.#touch(item.key);
  }

  #moved(id: ContentId, progress: Progress): void {
    const item = this.#itemOf(id);
    if (item === null || item.work.state !== "fetching") return;
    item.work.progress = progress;
    item.work.meter.sample(progress.doneBytes, performance.now());
    this.#touch(item.key);
  }

  #switched(): void {
    this.#off = this.#swarm.status.state === "stopped";
    for (const item of this.#items.values()) {
      if (item.work.state !== "fetching") continue;
      if (!this.#off && item.work.download === null && item.info?.download !== "running") this.#begin(item);
      this.#touch(item.key);
    }
    this.changes.changed();
  }

  async #delete(id: ContentId): Promise<void> {
    this.#preferences.setPaused(id, false);
    this.#removing.add(id);
    try {
      await this.#swarm.content.remove(id);
    } catch (error) {
      // Cancelled before its first byte: there is nothing to delete.
      if (errorCode(error) === "NOT_FOUND") return;
      this.#notices.show("danger", "It could not be removed", `${errorWords(error)} It is still here.`);
    } finally {
      this.#removing.delete(id);
    }
  }

  #insert(item: Item, atOnce: boolean): void {
    this.#items.set(item.key, item);
    this.#order.add(item.key, atOnce);
    this.#touch(item.key);
  }

  #drop(item: Item, atOnce: boolean): void {
    if (this.#order.remove(item.key, atOnce)) {
      this.#items.delete(item.key);
      if (item.id !== null && this.#keys.get(item.id) === item.key) this.#keys.delete(item.id);
    }
    this.#touch(item.key);
  }

  /** After the list was let go: what was gone is really gone now. */
  #settled(): void {
    const kept = new Set(this.#order.keys);
    for (const [key, item] of this.#items) {
      if (kept.has(key)) continue;
      this.#items.delete(key);
      this.#drawn.delete(key);
      if (item.id !== null) this.#keys.delete(item.id);
    }
    this.changes.changed();
  }

  #itemOf(id: ContentId): Item | null {
    const key = this.#keys.get(id);
    return key === undefined ? null : (this.#items.get(key) ?? null);
  }

  #entry(key: string): Entry | null {
    const drawn = this.#drawn.get(key);
    if (drawn !== undefined) return drawn;
    const item = this.#items.get(key);
    if (item === undefined) return null;
    const nowMs = performance.now();
    const entry = entryOf(item, {
      nowMs,
      off: this.#off,
      gone: this.#order.isGone(key),
      sending: item.id === null ? null : this.#uploads.of(item.id, nowMs),
    });
    this.#drawn.set(key, entry);
    return entry;
  }

  #newKey(origin: string): string {
    this.#number += 1;
    return `${origin}:${this.#number}`;
  }

  #touch(key: string | undefined): void {
    if (key !== undefined) this.#drawn.delete(key);
    if (this.#uploads.any) this.#startTicking();
    this.changes.changed();
  }

  #startTicking(): void {
    this.#tick ??= setInterval(() => {
      for (const id of this.#uploads.sweep(performance.now())) this.#touch(this.#keys.get(id));
      for (const id of this.#uploads.contents()) this.#touch(this.#keys.get(id));
      const moving = [...this.#items.values()].filter(
        ({ work }) => work.state === "adding" || (work.state === "fetching" && !this.#off),
      );
      for (const item of moving) this.#touch(item.key);
      if (moving.length === 0 && !this.#uploads.any) this.#stopTicking();
    }, TICK_MS);
  }

  #stopTicking(): void {
    clearInterval(this.#tick);
    this.#tick = undefined;
  }
}

/** A content that is only looked for has no manifest yet; a manifest always names a type. */
function isDescribed({ name, mime }: ContentInfo): boolean {
  return name !== "" || mime !== "";
}

function owns({ work }: Item, download: Download): boolean {
  return (work.state === "fetching" || work.state === "paused") && work.download === download;
}
