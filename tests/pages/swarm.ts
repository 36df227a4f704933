/** A bare page with one swarm, and what tests do with it, as `window.lab`. The page's address holds the options. */

import { EVENT_NAMES } from "../../web/sdk/event-names.ts";
import { liveCounts } from "../../web/sdk/generated/peerloom.js";
import { broadcastChannel, init, memoryStore, persistentStore, rendezvous, Swarm, SwarmError } from "../../web/sdk/index.ts";
import type {
  ContentId,
  ContentInfo,
  Download,
  GetOptions,
  Message,
  PeerId,
  Progress,
  Receipt,
  Room,
  ShareLink,
  SwarmEvents,
  SwarmOptions,
} from "../../web/sdk/index.ts";
import { compare, matter, matterStream, type Comparison } from "./matter.ts";

/** What the address may hold. */
export interface LabOptions {
  /** Default: a name that no other test has. */
  readonly app?: string;
  /** `no`: no swarm is opened until a test does; `stopped`: it is opened and not started. */
  readonly open?: "no" | "stopped";
  readonly store?: "memory";
  readonly storeBytesMax?: number;
  readonly identity?: "ephemeral";
  readonly maxConnections?: number;
  /** The names of the signalling channels, separated by commas. */
  readonly channels?: string;
  /** The addresses of rendezvous servers, separated by commas. Then there is a channel only if one is named. */
  readonly servers?: string;
}

/** An event, as it came. */
export interface Seen {
  readonly type: keyof SwarmEvents;
  readonly detail: unknown;
  /** Milliseconds since the Unix epoch. */
  readonly atMs: number;
}

/** A content to make; see `matter`. */
export interface Matter {
  readonly seed: number;
  readonly bytes: number;
  readonly name?: string;
  readonly mime?: string;
  readonly encrypt?: boolean;
  /** How it is handed over. Default: as a stream. */
  readonly as?: "blob" | "file" | "bytes" | "stream";
}

export interface Fetched extends Comparison {
  readonly type: string;
  readonly progress: Progress;
}

/** How something was refused. */
export interface Refusal {
  readonly isSwarmError: boolean;
  readonly code: string;
  readonly message: string;
  readonly failure: { readonly stage: string; readonly reason: string; readonly hint?: string } | null;
}

export class Lab {
  /** Every event of the swarm so far, and `security` and the like of those opened before it on this page. */
  readonly seen: Seen[] = [];
  /** The download that was begun last. */
  download: Download | null = null;
  readonly #options: SwarmOptions;
  #swarm: Swarm | null = null;
  /** Everything that was heard in rooms. */
  readonly messages: (Message<string> & { readonly room: string })[] = [];
  readonly #rooms = new Map<string, Room>();
  #bells: (() => void)[] = [];

  constructor(options: SwarmOptions) {
    this.#options = options;
  }

  /** Opens the swarm of the page's address, unless it is open. */
  async open(options: Partial<SwarmOptions> = {}): Promise<PeerId> {
    const { autostart = true, ...rest } = { ...this.#options, ...options };
    // Listening begins before anything can be heard.
    const swarm = await Swarm.open({ ...rest, autostart: false });
    this.#swarm = swarm;
    for (const type of EVENT_NAMES) {
      swarm.addEventListener(type, ({ detail }: CustomEvent) => {
        this.seen.push({ type, detail, atMs: Date.now() });
        this.#ring();
      });
    }
    if (autostart) {
      await swarm.start();
    }
    return swarm.id;
  }

  get swarm(): Swarm {
    if (this.#swarm === null) {
      throw new Error("open the swarm first");
    }
    return this.#swarm;
  }

  /** Opens one more swarm with the options of the page's address. */
  another(): Promise<Swarm> {
    return Swarm.open(this.#options);
  }

  /** What the core of this page holds that a leak would leave behind. */
  async liveCounts(): Promise<{ readonly nodes: number; readonly connections: number; readonly closures: number }> {
    await init();
    return liveCounts() as { nodes: number; connections: number; closures: number };
  }

  /** The first event of that type whose detail has these fields, from the `from`th event on; it may be past or to come. */
  async until(type: keyof SwarmEvents, fields: Readonly<Record<string, unknown>> = {}, from = 0): Promise<Seen> {
    for (;;) {
      const found = this.all(type, fields, from)[0];
      if (found !== undefined) {
        return found;
      }
      await this.next();
    }
  }

  /** All such events so far. */
  all(type: keyof SwarmEvents, fields: Readonly<Record<string, unknown>> = {}, from = 0): Seen[] {
    const isMeant = (seen: Seen): boolean => {
      const detail = (seen.detail ?? {}) as Readonly<Record<string, unknown>>;
      return seen.type === type && Object.entries(fields).every(([name, value]) => detail[name] === value);
    };
    return this.seen.slice(from).filter(isMeant);
  }

  /** Resolves at the next event of any type. */
  next(): Promise<void> {
    return new Promise((resolve) => this.#bells.push(resolve));
  }

  /** Adds a content that `matter` makes. */
  async add(what: Matter): Promise<{ id: ContentId; link: ShareLink; info: ContentInfo }> {
    const { name = "matter", mime = "application/x-matter", encrypt } = what;
    const { link, ...info } = await this.swarm.content.add(dataOf(what, name, mime), { name, mime, encrypt });
    return { id: info.id, link, info };
  }

  /** Begins a download and does not wait for it. */
  begin(what: ShareLink | ContentId, options: GetOptions = {}): void {
    this.download = this.swarm.content.get(what, options);
  }

  /** Waits until the download that was begun has so many bytes. */
  async reached(bytes: number): Promise<Progress> {
    while (this.running.progress.doneBytes < bytes) {
      await this.next();
    }
    return this.running.progress;
  }

  /** Waits for the whole of it and compares it with what `seed` makes. */
  async finish(seed: number): Promise<Fetched> {
    const blob = await this.running;
    return { ...(await compare(blob.stream(), seed)), type: blob.type, progress: this.running.progress };
  }

  async fetch(what: ShareLink | ContentId, seed: number, options: GetOptions = {}): Promise<Fetched> {
    this.begin(what, options);
    return this.finish(seed);
  }

  get running(): Download {
    if (this.download === null) {
      throw new Error("begin a download first");
    }
    return this.download;
  }

  /** Joins a room and keeps what is heard on its only channel. */
  async listen(name: string): Promise<void> {
    const room = await this.swarm.join(name);
    this.#rooms.set(name, room);
    room.channel<string>("only").onmessage = (message) => {
      this.messages.push({ ...message, room: name });
      this.#ring();
    };
  }

  async say(name: string, text: string): Promise<string> {
    const { id } = await this.#room(name).channel<string>("only").send(text);
    return id;
  }

  /** Says something to these peers alone. */
  tell(name: string, text: string, to: PeerId | readonly PeerId[], timeoutMs?: number): Promise<Receipt> {
    return this.#room(name).channel<string>("only").send(text, { to, timeoutMs });
  }

  /** The messages of a room, once there are so many. */
  async heard(name: string, count: number): Promise<readonly Message<string>[]> {
    for (;;) {
      const messages = this.messages.filter(({ room }) => room === name);
      if (messages.length >= count) {
        return messages;
      }
      await this.next();
    }
  }

  members(name: string): PeerId[] {
    return this.#room(name)
      .peers()
      .map(({ id }) => id);
  }

  #room(name: string): Room {
    const room = this.#rooms.get(name);
    if (room === undefined) {
      throw new Error("listen in the room first");
    }
    return room;
  }

  #ring(): void {
    for (const ring of this.#bells.splice(0)) {
      ring();
    }
  }

  readonly compare = compare;
  readonly matter = matter;
  readonly matterStream = matterStream;

  /** Runs what has to fail; null if it does not. */
  async refusal(act: () => unknown): Promise<Refusal | null> {
    try {
      await act();
      return null;
    } catch (error) {
      const { code, failure } = error as Partial<SwarmError>;
      const { message } = error as Error;
      return { isSwarmError: error instanceof SwarmError, code: code ?? "none", message, failure: failure ?? null };
    }
  }
}

function dataOf({ seed, bytes, as = "stream" }: Matter, name: string, mime: string): Blob | Uint8Array | ReadableStream<Uint8Array> {
  switch (as) {
    case "stream":
      return matterStream(seed, bytes);
    case "bytes":
      return matter(seed, 0, bytes);
    case "blob":
      return new Blob([matter(seed, 0, bytes)], { type: mime });
    case "file":
      return new File([matter(seed, 0, bytes)], name, { type: mime });
  }
}

function optionsOf(query: URLSearchParams): SwarmOptions {
  const storeBytesMax = query.get("storeBytesMax");
  const limit = storeBytesMax === null ? {} : { maxBytes: Number(storeBytesMax) };
  const maxConnections = query.get("maxConnections");
  const channels = query.get("channels");
  const servers = query.get("servers");
  return {
    app: query.get("app") ?? "lab",
    store: query.get("store") === "memory" ? memoryStore(limit) : persistentStore(limit),
    identity: query.get("identity") === "ephemeral" ? "ephemeral" : "persistent",
    autostart: query.get("open") !== "stopped",
    ...(channels === null && servers === null
      ? {}
      : {
          signalling: [
            ...(channels?.split(",").map((name) => broadcastChannel({ name })) ?? []),
            ...(servers?.split(",").map((url) => rendezvous(url)) ?? []),
          ],
        }),
    ...(maxConnections === null ? {} : { maxConnections: Number(maxConnections) }),
  };
}

declare global {
  interface Window {
    lab: Lab;
    /** Resolves once the swarm of the page's address is open. */
    labOpened: Promise<unknown>;
  }
}

const query = new URLSearchParams(location.search);
window.lab = new Lab(optionsOf(query));
window.labOpened = query.get("open") === "no" ? Promise.resolve() : window.lab.open();
