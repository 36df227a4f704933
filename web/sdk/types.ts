/**
 * The public types of the package. They grow issue by issue: what does not exist yet is absent.
 *
 * Byte counts are numbers, ids are strings in lower-case hex, times are milliseconds. Names, MIME types and reasons
 * that come from peers are untrusted text: show them as text, never as markup.
 */

/** SHA-256 of a peer's P-256 public key, 64 hex digits: it can be proved. */
export type PeerId = string & { readonly __peer: unique symbol };
/** SHA-256 of a manifest, 64 hex digits. */
export type ContentId = string & { readonly __content: unique symbol };
/** Content id and decryption key, as a URL fragment: `#peerloom=<id>.<key>`. */
export type ShareLink = string & { readonly __link: unique symbol };

/** `p2p` while a direct connection is up, else `offline`; `relay` once frames can go through others. */
export type Mode = "p2p" | "relay" | "offline";

/** How long a caller is ready to wait. */
export interface Wait {
  /** Gives up with `ABORTED`. */
  readonly signal?: AbortSignal | undefined;
  /** Gives up with `TIMEOUT` after so many milliseconds. Absent: waits for ever. */
  readonly timeoutMs?: number | undefined;
}

/** Why a signalling path does not work: the code is stable, the reason a sentence for people. */
export interface SignallingFault {
  readonly code:
    | "BAD_ADDRESS"
    | "BLOCKED"
    | "UNREACHABLE"
    | "LOST"
    | "SILENT"
    | "BAD_PROTOCOL"
    | "REFUSED"
    | "MOVING"
    | "WRONG_HOST"
    | "ORIGIN_DENIED"
    | "TOO_MANY"
    | "BUSY"
    | "ROOM_FULL"
    | "REPLACED";
  readonly reason: string;
}

/** A way that offers travel. All of them are used at once; one that fails leaves the others alone. */
export interface SignallingPath {
  readonly kind: "broadcast" | "peers" | "rendezvous";
  /** The channel's name, or the server's address as far as it is known. */
  readonly name: string;
  /** `waiting`: for the next try, or for a peer to be connected. */
  readonly state: "stopped" | "waiting" | "connecting" | "connected";
  /** Why it did not work the last time, until it does. */
  readonly fault: SignallingFault | null;
  /** When it is tried again: milliseconds since the Unix epoch. */
  readonly nextTryAt: number | null;
}

/** What the status indicator shows. */
export interface Status {
  readonly mode: Mode;
  readonly state: "stopped" | "starting" | "online";
  /** Peers heard of, connected ones included. */
  readonly peersDiscovered: number;
  readonly peersConnected: number;
  /** Whether a rendezvous server is connected. Today it carries offers; once frames can be relayed, it is who relays them. */
  readonly relayConnected: boolean;
  /** How it stands with each way that offers travel: channels, connected peers, servers. */
  readonly paths: readonly SignallingPath[];
  /** Contents known: here or offered by a connected peer. */
  readonly contents: number;
  /** What this peer is to others, see `PeerInfo.roles`. */
  readonly roles: readonly Role[];
  /** Received and sent on all connections since the start. */
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/**
 * What a peer is to others: `seed` has whole contents, `relay` is there for long enough to carry for others, `supernode` has
 * more connections than others; `leaf` is none of these.
 */
export type Role = "leaf" | "seed" | "relay" | "supernode";

/** What a peer says that it can do. Sizes are powers of two: the greatest below. */
export interface Capabilities {
  /** Carries for others at present. */
  readonly relays: boolean;
  /** Keeps contents over a reload. */
  readonly stores: boolean;
  /** An installed application, not a tab. */
  readonly installed: boolean;
  /** What it may store; null if it does not say. */
  readonly storeBytes: number | null;
  /** What it sent to somebody at best; null while nothing was measured. */
  readonly bytesPerSecond: number | null;
  /** For how long it was connected to anybody, over all its runs. */
  readonly uptimeMs: number;
}

export interface PeerInfo {
  readonly id: PeerId;
  readonly state: "discovered" | "connecting" | "connected" | "backoff";
  /** How far the attempt is that is under way; `peer:update` tells each stage. Null if there is none. */
  readonly stage: ConnectFailure["stage"] | null;
  /** How frames reach it now. */
  readonly path: "direct" | null;
  /** Smoothed round trip, once measured. */
  readonly rttMs: number | null;
  /** How far round trips are from that, smoothed: RFC 6298's variation. */
  readonly rttVarMs: number | null;
  /** What this connection carried of contents when it last carried any, in bytes per second, once measured. */
  readonly throughputIn: number | null;
  readonly throughputOut: number | null;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Handed to the data channels and not yet sent. */
  readonly bufferedBytes: number;
  /** How many contents it offers. */
  readonly contents: number;
  /** Proven misbehaviours; several lead to a ban. */
  readonly strikes: number;
  /** How far it is trusted, from 0 to 1: a stranger half, more for having been here, less for each strike until it wears off. */
  readonly reputation: number;
  /** What it is worth among peers that would do as well, from 0 to 1, by what was seen of it: see docs/protocol/scoring.md. */
  readonly score: number;
  /** What it says that it is, signed by itself and believed by nobody further than that. Empty while nothing is known. */
  readonly roles: readonly Role[];
  /** What it says that it can do; null while nothing is known. */
  readonly capabilities: Capabilities | null;
  /** Milliseconds since the Unix epoch. */
  readonly connectedAt: number | null;
  /** The last attempt to connect that failed, until one succeeds. */
  readonly lastFailure: LastFailure | null;
  /** When it is dialled next while in `backoff`; if no connection is free then, as soon as one is. Milliseconds since the Unix epoch. */
  readonly nextTryAt: number | null;
}

/** A peer with whom there is no contact. */
export interface Ban {
  readonly peer: PeerId;
  /** Milliseconds since the Unix epoch. */
  readonly until: number;
}

/** An attempt to connect that failed, with the stage it reached and what a person can do about it. */
export interface ConnectFailure {
  readonly peer: PeerId;
  readonly stage: "signalling" | "ice" | "dtls" | "channel" | "authentication" | "admission";
  readonly reason: string;
  readonly hint?: string;
}

/** A failed attempt, and when it failed: milliseconds since the Unix epoch. */
export interface LastFailure extends ConnectFailure {
  readonly at: number;
}

export type LogLevel = "debug" | "info" | "warn" | "error";
export type Log = (level: LogLevel, event: string, fields: Readonly<Record<string, unknown>>) => void;

export interface SwarmOptions extends Wait {
  /** The namespace, 1 to 64 characters: swarms of other apps never meet. */
  readonly app: string;
  /** Which stored identity. Default: the one this tab had, else the first that no other tab of this browser holds. */
  readonly profile?: string | undefined;
  /** `ephemeral` makes a new identity that is forgotten at the end. Default `persistent`. */
  readonly identity?: "persistent" | "ephemeral" | undefined;
  /** The ways that offers travel, besides connected peers, which carry them too. Default `[broadcastChannel()]`. */
  readonly signalling?: readonly Signalling[] | undefined;
  /** Passed to `RTCPeerConnection`; a function is called once at the opening. Default: no ICE servers. */
  readonly rtc?: RTCConfiguration | (() => RTCConfiguration | Promise<RTCConfiguration>) | undefined;
  /** Default `persistentStore()`, which falls back from OPFS to IndexedDB to memory. */
  readonly store?: Store | undefined;
  /**
   * Direct connections at most, 1 to 255. Default 8, and 16 while this peer is a supernode. With 2 or 3 the tabs of one origin are one swarm; peers
   * that have no channel in common need 4 to be sure of that. With 1 there is no swarm, only pairs.
   */
  readonly maxConnections?: number | undefined;
  /**
   * Peers to connect to at each start, at most 16, next to those that this profile remembers: for an application that
   * knows some who are mostly there. Each is called for ten seconds, on every signalling path. Default none.
   */
  readonly seedPeers?: readonly PeerId[] | undefined;
  /** Default true. False: open, look, then `start()`. */
  readonly autostart?: boolean | undefined;
  /** Nothing is logged unless this is given. */
  readonly log?: Log | undefined;
}

/** Where a download or an upload of a content stands. */
export interface Progress {
  /** Plain bytes here, verified and stored. */
  readonly doneBytes: number;
  /** Plain bytes in all; 0 until known. */
  readonly totalBytes: number;
  /** Of `doneBytes`, those that peers sent since this download began. */
  readonly fromPeers: number;
  /** Of `doneBytes`, those that were on disk before. */
  readonly fromDisk: number;
  /** How many peers are being asked. */
  readonly sources: number;
  /** Plain bytes per second over the last seconds. */
  readonly bytesPerSecond: number;
}

export interface ContentInfo {
  readonly id: ContentId;
  /** As the author gave it: untrusted text. */
  readonly name: string;
  /** As the author gave it: untrusted text. */
  readonly mime: string;
  /** Length of the plain content. */
  readonly bytes: number;
  readonly encrypted: boolean;
  /** How many connected peers offer it whole. */
  readonly providers: number;
  /** Whether all of it is here. */
  readonly complete: boolean;
  /** How much of it is here. */
  readonly local: "absent" | "partial" | "complete";
  /** What its download does, if there is one. */
  readonly download: "running" | "paused" | null;
}

/** Bytes of a content that went to a peer, so far, on the present connection. */
export interface Upload {
  readonly id: ContentId;
  readonly peer: PeerId;
  readonly sentBytes: number;
  /** Length of the content as it is stored: encrypted chunks are 16 bytes longer. */
  readonly totalBytes: number;
}

export interface AddOptions extends Wait {
  /** Default: the name of a `File`, else `unnamed`. */
  readonly name?: string | undefined;
  /** Default: the type of a `Blob`, else `application/octet-stream`. */
  readonly mime?: string | undefined;
  /** Default true. */
  readonly encrypt?: boolean | undefined;
  /** Told after each stored chunk; `totalBytes` stays 0 for a stream, whose length nobody knows. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

export interface GetOptions extends Wait {
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

export interface StoreUsage {
  /** Bytes of chunks stored by this swarm. */
  readonly usedBytes: number;
  /** The least of the store's own limit and what the browser grants, by its estimate. */
  readonly quotaBytes: number;
  /** Whether the browser promised not to evict it. */
  readonly persisted: boolean;
  /** Where chunks are kept: what was asked for, or what it fell back to. */
  readonly kind: "opfs" | "indexeddb" | "memory";
}

/** The contents of a swarm: own ones, and those that peers announce. */
export interface Content {
  /** Stores a content piece by piece, never whole in memory, and announces it. Nothing is kept of one that failed. */
  add(data: Blob | Uint8Array | ReadableStream<Uint8Array>, options?: AddOptions): Promise<ContentInfo & { readonly link: ShareLink }>;
  /** Fetches a content; what is on disk is not fetched again. Garbage rejects the download with `BAD_INPUT`. */
  get(what: ShareLink | ContentId, options?: GetOptions): Download;
  /** What is known of a content; null if nothing. */
  info(id: ContentId): Promise<ContentInfo | null>;
  /** The contents that are here, whole or in part. */
  list(): Promise<readonly ContentInfo[]>;
  /** The contents that connected peers offer and that are not complete here. */
  available(): readonly ContentInfo[];
  /** The link to hand on; null if the content is not known here or its key is not. */
  link(id: ContentId): ShareLink | null;
  /** Deletes a content from the store and tells the peers. */
  remove(id: ContentId): Promise<void>;
  usage(): Promise<StoreUsage>;
}

/**
 * A running download; awaiting it gives the whole content as a `Blob`.
 *
 * A big `Blob` is backed by a file of the swarm's storage: it can be read until the swarm is closed or the content removed.
 */
export interface Download extends PromiseLike<Blob> {
  readonly id: ContentId | null;
  readonly progress: Progress;
  /** Verified and decrypted bytes in order, from `start` to before `end`; usable while the download runs. */
  stream(range?: { readonly start?: number; readonly end?: number }): ReadableStream<Uint8Array>;
  /** Rejects like awaiting the download does, but makes no `Blob`. */
  readonly done: Promise<void>;
  pause(): void;
  resume(): void;
  /** Rejects with `ABORTED`; what is on disk stays. */
  cancel(): void;
}

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
/**
 * What a message may be. Bytes arrive as `Uint8Array`, all else as JSON makes it. At most 32 KiB to all in a room and 16,000
 * bytes to single peers, with the channel's name: more is a content.
 */
export type Payload = Json | ArrayBuffer | Uint8Array;

export interface JoinOptions extends Wait {
  /** Whether others see this peer in the room. Default true; false is for those who only listen, in rooms of thousands. */
  readonly shown?: boolean | undefined;
}

/** Where peers of the app talk to each other. Whoever runs the app can join any room whose name it knows, and read along. */
export interface Room extends AsyncDisposable, TypedTarget<RoomEvents> {
  readonly name: string;
  /** Who else says that it is there: connected or not, and within a minute or two after it came. */
  peers(): readonly PeerInfo[];
  /** The channel of that name. The first call says what it is like; the same one is returned after that. */
  channel<T extends Payload>(name: string, options?: ChannelOptions<T>): Channel<T>;
  /** Hears nothing more, and tells the others. Channels end. */
  leave(): Promise<void>;
}

export interface RoomEvents {
  "peer:join": CustomEvent<PeerInfo>;
  "peer:leave": CustomEvent<PeerInfo>;
}

export interface ChannelOptions<T> {
  /**
   * How messages arrive: each at most once, in any order, with no word of who got them. `unordered` (the default) and `lossy`
   * differ in what may be given up first when there is too much; today nothing makes that difference.
   */
  readonly delivery?: "unordered" | "lossy" | undefined;
  /** Checks what a peer sent, and throws if it is not what it should be: such messages are dropped. */
  readonly parse?: ((value: unknown) => T) | undefined;
}

/** What somebody said. `from` is proved by its signature; `data` is what that peer chose to send. */
export interface Message<T> {
  readonly data: T;
  readonly from: PeerId;
  /** The same at all who get it. */
  readonly id: string;
  /** By the sender's clock: milliseconds since the Unix epoch. */
  readonly sentAt: number;
  /** Over how many connections it came; if it was sent to this peer alone, those count too by which it found no way. */
  readonly hops: number;
}

export interface SendOptions extends Wait {
  /**
   * For these peers alone, connected or not: over several hops if need be. They have to be in the room, and to have a channel of
   * this name. Whoever hands it on can read it.
   */
  readonly to?: PeerId | readonly PeerId[] | undefined;
}

/** What became of a message. */
export interface Receipt {
  /** As `Message.id` has it at all who get it. */
  readonly id: string;
  /** Of those in `to`: whose application has it, by its signed word. */
  readonly delivered: readonly PeerId[];
  /** Of those in `to`: who did not take it, or did not say so in time. Some may have it all the same. */
  readonly pending: readonly PeerId[];
}

/**
 * Iterating gives the messages from now on; it ends when the room is left or the swarm closed. Own messages don't come back. Of a
 * reader that is late 1,024 messages wait; if more come, it gets these, and then `RATE_LIMITED` is thrown: the rest was lost.
 */
export interface Channel<T extends Payload> extends AsyncIterable<Message<T>> {
  readonly name: string;
  /**
   * Says something to all who are in the room. Resolves when it is on its way, also with nobody there: who joins later, or is cut
   * off for more than a minute or 4 MiB of messages, does not get it. Await it before saying more, and you go as fast as the others
   * take it; what is said without waiting is queued, and rejected with `RATE_LIMITED` when 4,096 messages or 4 MiB wait. Rejects
   * with `TOO_LARGE` too.
   *
   * With `to`, says it to those alone, each at most once. Resolves when the application of each has it, or it was given up for those
   * that don't. To each peer 64 are under way, the others wait for their turn; a peer that is connected takes some thousands a
   * second, one over others 16. Rejects if none is known to have it: within 20 seconds of its turn with `UNREACHABLE` if the peer
   * is gone, not in the room or without such a channel, or does not answer, and then may have it all the same; with `BAD_INPUT`
   * if it is this peer; with `RATE_LIMITED` while 1,024 or 4 MiB are under way. Giving up does not take back what was sent.
   */
  send(data: T, options?: SendOptions): Promise<Receipt>;
  onmessage: ((message: Message<T>) => void) | null;
}

export interface SwarmEvents {
  /** Something in the status changed: at most every 100 ms, and the last state is always told. */
  status: CustomEvent<Status>;
  "peer:discover": CustomEvent<PeerInfo>;
  "peer:connect": CustomEvent<PeerInfo>;
  "peer:update": CustomEvent<PeerInfo>;
  "peer:disconnect": CustomEvent<PeerInfo & { readonly cause: string }>;
  /** A peer is forgotten: it said goodbye or was silent for long. */
  "peer:lose": CustomEvent<{ readonly id: PeerId }>;
  "connect:failed": CustomEvent<ConnectFailure>;
  /** A connected peer offers a content that is not complete here and that nobody offered before. */
  "content:available": CustomEvent<ContentInfo>;
  /** A content appeared, own ones too, or what is known of it changed. */
  "content:update": CustomEvent<ContentInfo>;
  /** A content is neither here nor at a connected peer any more. */
  "content:remove": CustomEvent<{ readonly id: ContentId }>;
  /** A download moved. */
  "content:progress": CustomEvent<Progress & { readonly id: ContentId }>;
  /** A chunk was sent to a peer. */
  "content:upload": CustomEvent<Upload>;
  security: CustomEvent<{ readonly peer: PeerId; readonly kind: string; readonly action: "strike" | "ban" }>;
  close: CustomEvent<void>;
}

export interface TypedTarget<M> {
  addEventListener<K extends keyof M & string>(type: K, listener: (event: M[K]) => void, options?: AddEventListenerOptions): void;
  removeEventListener<K extends keyof M & string>(type: K, listener: (event: M[K]) => void): void;
  /** The events from now on. It ends when the swarm is closed; `timeoutMs` is for each event. Of those that wait for a late reader the last 1,024 are kept. */
  events<K extends keyof M & string>(type: K, wait?: Wait): AsyncIterableIterator<M[K]>;
}

/** Every counter that the core keeps, by protocol: for dashboards and tests. */
export type SwarmStats = Readonly<Record<string, number>>;

/** A way that offers travel: made by `broadcastChannel()` or `rendezvous()`. */
export interface Signalling {
  readonly kind: string;
}

/** Where chunks and records are kept: made by `persistentStore()` or `memoryStore()`. */
export interface Store {
  readonly kind: string;
}
