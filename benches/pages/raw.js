// The measure of all things: two negotiated data channels, signalled by hand over a BroadcastChannel, and nothing else.

import { WatchedTab, sharedNow } from "./clock.js";

const MESSAGE_BYTES = 64 * 1024;
/** The sender stops at the upper mark and goes on at the lower one. */
const BUFFERED_BYTES_HIGH = 1024 * 1024;
const BUFFERED_BYTES_LOW = 256 * 1024;
/** As long as a chunk of Peerloom's, so that "first chunk" means the same amount. */
const CHUNK_BYTES = 256 * 1024;
const PING_BYTES = 1024;
const SMALL_BYTES = 100;

/** One connection to another tab: `index` tells tabs apart, and who offers. */
class Connection {
  opened = Promise.withResolvers();
  #pc = new RTCPeerConnection();
  #candidates = [];
  #post;

  constructor(post) {
    this.#post = post;
    this.control = this.#channel("control", 0);
    this.bulk = this.#channel("bulk", 1);
    this.bulk.bufferedAmountLowThreshold = BUFFERED_BYTES_LOW;
    this.control.bufferedAmountLowThreshold = BUFFERED_BYTES_LOW;
    this.#pc.onicecandidate = ({ candidate }) => candidate && post({ candidate: candidate.toJSON() });
  }

  async offer() {
    await this.#pc.setLocalDescription();
    this.#post({ description: this.#pc.localDescription.toJSON() });
  }

  async receive({ description, candidate }) {
    if (candidate !== undefined) {
      if (this.#pc.remoteDescription === null) return void this.#candidates.push(candidate);
      return this.#pc.addIceCandidate(candidate);
    }
    await this.#pc.setRemoteDescription(description);
    for (const early of this.#candidates.splice(0)) void this.#pc.addIceCandidate(early);
    if (description.type === "offer") await this.offer();
  }

  close() {
    this.#pc.close();
  }

  #channel(label, id) {
    const channel = this.#pc.createDataChannel(label, { negotiated: true, id });
    channel.binaryType = "arraybuffer";
    channel.onopen = () => {
      if (this.control.readyState === "open" && this.bulk.readyState === "open") this.opened.resolve(sharedNow());
    };
    return channel;
  }
}

class RawTab extends WatchedTab {
  #index;
  #room;
  #connections = new Map();
  #openedAt = [];
  #waiting = [];

  /** Says hello; of two tabs that know each other the one with the lower index offers. */
  start(room, index) {
    this.#index = index;
    this.#room = new BroadcastChannel(room);
    this.#room.onmessage = ({ data }) => this.#onSignal(data);
    const startedAt = sharedNow();
    this.#say({ hello: true });
    return startedAt;
  }

  /** When so many connections were up. */
  connected(count) {
    const wait = Promise.withResolvers();
    this.#waiting.push({ count, wait });
    this.#tellWaiting();
    return wait.promise;
  }

  /** Serves what the others ask for: bulk bytes, echoes, small messages. */
  serve() {
    for (const { control, bulk } of this.#connections.values()) {
      control.onmessage = ({ data }) => {
        if (typeof data !== "string") return control.send(data);
        const { bytes, messages } = JSON.parse(data);
        void (bytes === undefined ? send(control, messages, SMALL_BYTES) : send(bulk, Math.ceil(bytes / MESSAGE_BYTES), MESSAGE_BYTES));
      };
    }
  }

  /** Asks for so many bytes and times them. */
  async fetch(bytes) {
    const { control, bulk } = this.#only();
    const requestedAt = performance.now();
    let firstAt = 0;
    let received = 0;
    await new Promise((resolve) => {
      bulk.onmessage = ({ data }) => {
        received += data.byteLength;
        if (firstAt === 0 && received >= CHUNK_BYTES) firstAt = performance.now();
        if (received >= bytes) resolve();
      };
      control.send(JSON.stringify({ bytes }));
    });
    bulk.onmessage = null;
    const seconds = (performance.now() - requestedAt) / 1000;
    return { firstChunkMs: firstAt - requestedAt, bytesPerSecond: bytes / seconds };
  }

  /** The mean of so many round trips of 1 KiB, one after the other, in milliseconds. */
  async roundTrip(count) {
    const { control } = this.#only();
    const message = new Uint8Array(PING_BYTES);
    const begun = performance.now();
    await new Promise((resolve) => {
      let left = count;
      control.onmessage = () => {
        left -= 1;
        if (left === 0) return resolve();
        control.send(message);
      };
      control.send(message);
    });
    return (performance.now() - begun) / count;
  }

  /** How many small messages arrive in a second. */
  async messageRate(messages) {
    const { control } = this.#only();
    const begun = performance.now();
    await new Promise((resolve) => {
      let left = messages;
      control.onmessage = () => {
        left -= 1;
        if (left === 0) resolve();
      };
      control.send(JSON.stringify({ messages }));
    });
    return messages / ((performance.now() - begun) / 1000);
  }

  #only() {
    const [connection] = this.#connections.values();
    return connection;
  }

  #onSignal({ from, to, hello, ...signal }) {
    if (to !== undefined && to !== this.#index) return;
    if (hello !== true) return void this.#connection(from).receive(signal);
    if (this.#connections.has(from)) return;
    if (this.#index < from) return void this.#connection(from).offer();
    // The other one offers, and may not have heard our hello, if it started later.
    this.#say({ to: from, hello: true });
  }

  #connection(other) {
    let connection = this.#connections.get(other);
    if (connection === undefined) {
      connection = new Connection((signal) => this.#say({ to: other, ...signal }));
      this.#connections.set(other, connection);
      void connection.opened.promise.then((at) => {
        this.#openedAt.push(at);
        this.#tellWaiting();
      });
    }
    return connection;
  }

  #say(message) {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- A BroadcastChannel takes none.
    this.#room.postMessage({ from: this.#index, ...message });
  }

  #tellWaiting() {
    for (const { count, wait } of this.#waiting) {
      if (this.#openedAt.length >= count) wait.resolve(Math.max(...this.#openedAt));
    }
  }
}

async function send(channel, messages, bytes) {
  const message = new Uint8Array(bytes);
  for (let sent = 0; sent < messages; sent++) {
    if (channel.bufferedAmount > BUFFERED_BYTES_HIGH) {
      await new Promise((resolve) => channel.addEventListener("bufferedamountlow", resolve, { once: true }));
    }
    channel.send(message);
  }
}

globalThis.tab = new RawTab();
