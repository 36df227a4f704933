/** A swarm: one peer in this page, and what an application does with it. */

import { Coalescer } from "./coalesce.ts";
import { Contents, isAvailable } from "./content.ts";
import { toConnectFailure, toContentInfo, toPeerInfo, toProgress, toRoles, toUpload } from "./convert.ts";
import { SwarmError, toSwarmError } from "./errors.ts";
import { Emitter } from "./events.ts";
import { checkPeerId } from "./hex.ts";
import { hostOf } from "./host.ts";
import { Turns } from "./letter.ts";
import { openParts, type Parts } from "./open.ts";
import { checkOptions } from "./options.ts";
import { toPath, toServerPath } from "./paths.ts";
import { isSupported } from "./support.ts";
import { JoinedRoom } from "./room.ts";
import type {
  Ban,
  Content,
  ContentId,
  JoinOptions,
  Log,
  LogLevel,
  PeerId,
  PeerInfo,
  Room,
  SignallingPath,
  Status,
  SwarmEvents,
  SwarmOptions,
  SwarmStats,
  TypedTarget,
  Wait,
} from "./types.ts";
import { closedError, deferred, waitFor, type Deferred } from "./wait.ts";
import type { ContentSnapshot, CoreEvent, NodeHandle } from "./wasm.ts";

/** The least time between two `status` events: what an eye can follow. */
const STATUS_INTERVAL_MS = 100;

/** A well-formed id of no content: a command on it is answered as soon as the core has loaded what is stored. */
const NO_CONTENT = "0".repeat(64);

const LEVELS: Readonly<Record<Exclude<CoreEvent["kind"], "message">, LogLevel>> = {
  peerDiscovered: "info",
  peerConnected: "info",
  peerUpdated: "debug",
  peerDisconnected: "info",
  peerLost: "info",
  connectFailed: "warn",
  contentChanged: "debug",
  contentGone: "info",
  progress: "debug",
  served: "debug",
  memberJoined: "debug",
  memberLeft: "debug",
  serverChanged: "info",
  security: "warn",
};

export class Swarm implements AsyncDisposable, TypedTarget<SwarmEvents> {
  readonly id: PeerId;
  readonly content: Content;
  readonly #contents: Contents;
  readonly #events: Emitter<SwarmEvents>;
  readonly #parts: Parts;
  readonly #node: NodeHandle;
  readonly #closing = new AbortController();
  readonly #statusTicker: Coalescer;
  /** Contents that were told as available and still are. */
  readonly #available = new Set<string>();
  readonly #rooms = new Map<string, JoinedRoom>();
  /** Of the last message to single peers. */
  #messagesNumber = 0;
  readonly #turns = new Turns();
  #starts = 0;
  /** Whether it ran when the page was left: the core stops then. */
  #ranAtLeave = false;
  #statusTold: Status | null = null;
  /** Resolves at the next event of the core; then there is a new one. */
  #moved: Deferred<void> = deferred();
  #closed: Promise<void> | null = null;

  /** Opens a swarm. Resolves when it is usable, also with no peer in sight. */
  static async open(options: SwarmOptions): Promise<Swarm> {
    const checked = checkOptions(options);
    const { ok, missing } = isSupported();
    if (!ok) {
      throw new SwarmError("UNSUPPORTED", `this browser or page lacks ${missing.join(", ")}`);
    }
    const opening = openParts(checked, options, options.log ?? silent).then((parts) => new this(parts));
    let swarm: Swarm;
    try {
      swarm = await waitFor(opening, options);
    } catch (cause) {
      opening.then((late) => late.close()).catch(() => undefined);
      throw cause;
    }
    if (checked.autostart) {
      try {
        await waitFor(swarm.start(), options);
      } catch (cause) {
        await swarm.close();
        throw cause;
      }
    }
    return swarm;
  }

  /** Use {@link Swarm.open}. */
  protected constructor(parts: Parts) {
    const { ambient } = parts;
    this.#parts = parts;
    this.#events = new Emitter(ambient);
    this.#statusTicker = new Coalescer(STATUS_INTERVAL_MS, () => this.#tellStatus(), ambient);
    const host = hostOf(parts, (event) => this.#onEvent(event));
    try {
      this.#node = parts.makeNode(host);
    } catch (cause) {
      parts.profile.release();
      void parts.store.close();
      throw toSwarmError(cause);
    }
    this.id = this.#node.id as PeerId;
    const loaded = this.#node.pause(NO_CONTENT).catch(() => undefined);
    const context = {
      store: parts.store,
      bytesMax: parts.bytesMax,
      closed: this.#closing.signal,
      log: parts.log,
      ambient,
      node: () => this.#open(),
    };
    this.#contents = new Contents(context, loaded);
    this.content = this.#contents;
    this.#watchPage();
  }

  get status(): Status {
    if (this.#closing.signal.aborted) {
      return { ...(this.#statusTold ?? NO_STATUS), mode: "offline", state: "stopped", peersConnected: 0, relayConnected: false, paths: [] };
    }
    const { running, peersConnected, peersDiscovered, contents, roles, bytesIn, bytesOut } = this.#node.status();
    const paths = this.#paths(running, peersConnected);
    return {
      mode: peersConnected > 0 ? "p2p" : "offline",
      state: this.#starts > 0 ? "starting" : running ? "online" : "stopped",
      peersDiscovered,
      peersConnected,
      relayConnected: paths.some(({ kind, state }) => kind === "rendezvous" && state === "connected"),
      paths,
      contents,
      roles: toRoles(roles),
      bytesIn,
      bytesOut,
    };
  }

  peers(): readonly PeerInfo[] {
    return this.#closing.signal.aborted ? [] : this.#node.peers().map(toPeerInfo);
  }

  /** Announces this peer and connects. Resolves when usable, also with no peer in sight. */
  async start(): Promise<void> {
    const node = this.#open();
    this.#starts += 1;
    this.#statusTicker.touch();
    try {
      const started = node.start();
      for (const peer of this.#parts.seedPeers) {
        // Whoever is not there may still come, and be heard then.
        node.connect(peer).catch(() => undefined);
      }
      await this.#waitFor(started);
    } finally {
      this.#starts -= 1;
      this.#onMove();
    }
  }

  /**
   * Says goodbye and closes every connection; storage and identity stay. Downloads wait for the next start, those that run
   * and those that are begun until then. `connect` rejects with `CLOSED`.
   */
  async stop(): Promise<void> {
    await this.#waitFor(this.#open().stop());
    this.#onMove();
  }

  /** Resolves when the swarm runs and so many peers are connected; by default one. */
  async ready(wait: Wait & { readonly peers?: number } = {}): Promise<void> {
    this.#open();
    const over = new AbortController();
    try {
      await this.#waitFor(this.#untilReady(wait.peers ?? 1, over.signal), wait);
    } finally {
      over.abort();
    }
  }

  /** Connects to a peer, known or not yet. Rejects with `UNREACHABLE`, whose `failure` names the stage and a hint. */
  async connect(peer: PeerId, wait: Wait = {}): Promise<PeerInfo> {
    checkPeerId(peer);
    await this.#waitFor(this.#open().connect(peer), wait);
    const info = this.peers().find(({ id }) => id === peer);
    if (info === undefined) {
      throw new SwarmError("UNREACHABLE", "the peer was connected and is gone already", { peer });
    }
    return info;
  }

  /**
   * Ends the connection to a peer, politely, or the attempt to make one. Both stay in the swarm and know each other, and
   * neither dials by itself until one of them is asked to `connect` or is opened anew. Resolves also if there was none.
   */
  async disconnect(peer: PeerId): Promise<void> {
    checkPeerId(peer);
    await this.#waitFor(this.#open().disconnect(peer));
  }

  /** Has nothing more to do with a peer for 30 days, over reloads too. */
  ban(peer: PeerId): void {
    checkPeerId(peer);
    this.#open()
      .ban(peer)
      .catch((cause: unknown) => this.#parts.log("warn", "ban.refused", { peer, reason: toSwarmError(cause).message }));
  }

  /** Joins a room: from now on its messages are heard here. Resolves also with nobody there. The same room is the same object. */
  async join(room: string, options: JoinOptions = {}): Promise<Room> {
    const node = this.#open();
    if (typeof room !== "string" || room === "") {
      throw new SwarmError("BAD_INPUT", "a room has a name");
    }
    if ("password" in options) {
      throw new SwarmError("UNSUPPORTED", "rooms with a password don't exist yet");
    }
    const known = this.#rooms.get(room);
    const context = {
      ambient: this.#parts.ambient,
      log: this.#parts.log,
      node: () => this.#open(),
      waitFor: <T>(work: Promise<T>, wait?: Wait) => this.#waitFor(work, wait),
      forget: () => void this.#rooms.delete(room),
      nextNumber: () => (this.#messagesNumber += 1),
      turns: this.#turns,
    };
    const joined = known ?? new JoinedRoom(room, context);
    // Before anything can be heard there.
    this.#rooms.set(room, joined);
    try {
      await this.#waitFor(node.join(room, options.shown ?? true), options);
    } catch (cause) {
      if (known === undefined) {
        joined.end();
      }
      throw cause;
    }
    return joined;
  }

  /** Lets a banned peer come again, whoever banned it. Harmless if nobody did. */
  async unban(peer: PeerId): Promise<void> {
    checkPeerId(peer);
    await this.#waitFor(this.#open().unban(peer));
  }

  /** Who is banned, by the application or for misbehaviour, and until when. */
  bans(): readonly Ban[] {
    return this.#closing.signal.aborted ? [] : this.#node.bans();
  }

  async stats(): Promise<SwarmStats> {
    const { store } = this.#parts;
    const counters = this.#open().stats();
    return { ...counters, "store.used_bytes": await this.#waitFor(store.usedBytes()) };
  }

  addEventListener<K extends keyof SwarmEvents>(type: K, listener: (event: SwarmEvents[K]) => void, options?: AddEventListenerOptions): void {
    this.#events.addEventListener(type, listener, options);
  }

  removeEventListener<K extends keyof SwarmEvents>(type: K, listener: (event: SwarmEvents[K]) => void): void {
    this.#events.removeEventListener(type, listener);
  }

  events<K extends keyof SwarmEvents>(type: K, wait?: Wait): AsyncIterableIterator<SwarmEvents[K]> {
    return this.#events.events(type, wait);
  }

  /** Says goodbye, rejects whatever waits with `CLOSED`, and lets go of everything. Can be called again. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#statusTold = this.status;
    this.#statusTicker.stop();
    this.#closing.abort();
    for (const room of this.#rooms.values()) {
      room.end();
    }
    // The others know at once, rather than by a channel that closes.
    this.#node.lifecycle("leaving");
    this.#node.close();
    this.#node.free();
    this.#moved.resolve();
    await this.#parts.store.close();
    this.#parts.profile.release();
    this.#events.emit("status", this.status);
    this.#events.emit("close", undefined);
    this.#events.end();
  }

  #paths(running: boolean, peersConnected: number): readonly SignallingPath[] {
    const { channels, servers } = this.#parts;
    const carried = peersConnected > 0 ? "connected" : "waiting";
    return [
      ...channels.map((name) => toPath("broadcast", name, running ? "connected" : "stopped")),
      toPath("peers", "", running ? carried : "stopped"),
      ...(servers.count === 0 ? [] : this.#node.servers().map((server) => toServerPath(server, servers.nameOf(server.server)))),
    ];
  }

  async #untilReady(peersMin: number, over: AbortSignal): Promise<void> {
    while (!over.aborted && !(this.status.state === "online" && this.status.peersConnected >= peersMin)) {
      await this.#moved.promise;
    }
  }

  #open(): NodeHandle {
    if (this.#closing.signal.aborted) {
      throw closedError();
    }
    return this.#node;
  }

  #waitFor<T>(work: Promise<T>, wait: Wait = {}): Promise<T> {
    return waitFor(work, wait, this.#closing.signal, this.#parts.ambient);
  }

  #watchPage(): void {
    const { profile, ambient } = this.#parts;
    const life = {
      onState: (state: Parameters<NodeHandle["lifecycle"]>[0]) => this.#node.lifecycle(state),
      onLeave: () => {
        profile.markReleased();
        this.#ranAtLeave = this.#node.status().running;
        this.#node.lifecycle("leaving");
      },
      onReturn: () => {
        profile.markHeld();
        void this.#restart();
      },
    };
    ambient.watch(life, this.#closing.signal);
  }

  /** The page came back from where browsers keep pages: it said goodbye, and its connections are gone. */
  async #restart(): Promise<void> {
    if (!this.#ranAtLeave) {
      return;
    }
    try {
      await this.start();
    } catch (cause) {
      this.#parts.log("warn", "restart.failed", { reason: toSwarmError(cause).message });
    }
  }

  /** The core may be in the middle of something: it is not called back from here. */
  #onEvent(event: CoreEvent): boolean {
    if (this.#closing.signal.aborted) {
      return false;
    }
    if (event.kind === "message") {
      // Too many to tell of each, and what people say is nobody else's.
      return this.#rooms.get(event.detail.room)?.onMessage(event.detail) ?? false;
    }
    this.#parts.log(LEVELS[event.kind] ?? "debug", event.kind, event.detail as unknown as Record<string, unknown>);
    this.#tell(event);
    this.#onMove();
    return true;
  }

  #tell({ kind, detail }: Exclude<CoreEvent, { readonly kind: "message" }>): void {
    switch (kind) {
      case "peerDiscovered":
        return this.#events.emit("peer:discover", toPeerInfo(detail));
      case "peerConnected":
        return this.#events.emit("peer:connect", toPeerInfo(detail));
      case "peerUpdated":
        return this.#events.emit("peer:update", toPeerInfo(detail));
      case "peerDisconnected":
        return this.#events.emit("peer:disconnect", { ...toPeerInfo(detail.peer), cause: detail.cause });
      case "peerLost":
        return this.#events.emit("peer:lose", { id: detail.peer as PeerId });
      case "connectFailed":
        return this.#events.emit("connect:failed", toConnectFailure(detail));
      case "contentChanged":
        return this.#onContentChanged(detail);
      case "contentGone":
        this.#available.delete(detail.content);
        this.#contents.onGone(detail.content);
        return this.#events.emit("content:remove", { id: detail.content as ContentId });
      case "progress":
        this.#contents.onProgress(detail);
        return this.#events.emit("content:progress", { ...toProgress(detail), id: detail.content as ContentId });
      case "served":
        return this.#events.emit("content:upload", toUpload(detail));
      case "memberJoined":
        return this.#rooms.get(detail.room)?.onMember("peer:join", detail.peer);
      case "memberLeft":
        return this.#rooms.get(detail.room)?.onMember("peer:leave", detail.peer);
      case "serverChanged":
        // Told by the status.
        return;
      case "security":
        return this.#events.emit("security", { ...detail, peer: detail.peer as PeerId });
    }
  }

  #onContentChanged(snapshot: ContentSnapshot): void {
    const info = toContentInfo(snapshot);
    const wasAvailable = this.#available.has(info.id);
    this.#contents.onChanged(info.id);
    if (isAvailable(info)) {
      this.#available.add(info.id);
    } else {
      this.#available.delete(info.id);
    }
    if (isAvailable(info) && !wasAvailable) {
      this.#events.emit("content:available", info);
    }
    this.#events.emit("content:update", info);
  }

  #onMove(): void {
    const moved = this.#moved;
    this.#moved = deferred();
    moved.resolve();
    this.#statusTicker.touch();
  }

  #tellStatus(): void {
    const status = this.status;
    if (JSON.stringify(status) !== JSON.stringify(this.#statusTold)) {
      this.#statusTold = status;
      this.#events.emit("status", status);
    }
  }
}

const NO_STATUS: Status = {
  mode: "offline",
  state: "stopped",
  peersDiscovered: 0,
  peersConnected: 0,
  relayConnected: false,
  paths: [],
  contents: 0,
  roles: ["leaf"],
  bytesIn: 0,
  bytesOut: 0,
};

const silent: Log = () => undefined;
