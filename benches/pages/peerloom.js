// The same as raw.js does, by the package as it is published.

import { Swarm, init } from "./peerloom/index.js";

import { WatchedTab, sharedNow } from "./clock.js";

const PIECE_BYTES = 256 * 1024;
const PING_BYTES = 1024;
const SMALL_BYTES = 100;

class PeerloomTab extends WatchedTab {
  #swarm;
  #discoveredAt = Promise.withResolvers();
  #connectedAt = [];
  #waiting = [];
  /** When each connection that ended did, and whose. */
  #ended = [];
  #failed = Promise.withResolvers();
  #running = null;
  /** The channels of the room in which messages are measured, by name. */
  #channels = {};
  /** What is said while a network changes: the numbers that were heard, who waits for more, and what ends the talk. */
  #talk = { heard: [], tell: () => {}, hush: async () => 0 };

  /** Everything that can be done before others are told. */
  async open(app, options = {}) {
    await init();
    this.#swarm = await Swarm.open({ app, autostart: false, ...options });
    this.#swarm.addEventListener("connect:failed", ({ detail }) => this.#failed.resolve({ ...detail, at: sharedNow() }));
    this.#swarm.addEventListener("peer:discover", () => this.#discoveredAt.resolve(sharedNow()));
    this.#swarm.addEventListener("peer:connect", () => {
      this.#connectedAt.push(sharedNow());
      this.#tellWaiting();
    });
    this.#swarm.addEventListener("peer:disconnect", ({ detail }) => void this.#ended.push({ id: detail.id, at: sharedNow() }));
  }

  async start() {
    const startedAt = sharedNow();
    await this.#swarm.start();
    return startedAt;
  }

  /** When the first other was known. */
  discovered() {
    return this.#discoveredAt.promise;
  }

  /** The first failure to connect: its stage, its reason and when. */
  failed() {
    return this.#failed.promise;
  }

  /** When so many connections were up. */
  connected(count) {
    const wait = Promise.withResolvers();
    this.#waiting.push({ count, wait });
    this.#tellWaiting();
    return wait.promise;
  }

  get id() {
    return this.#swarm.id;
  }

  /** When so many peers are connected. */
  ready(peers) {
    return this.#swarm.ready({ peers });
  }

  /** When the connections that ended did, and whose they were. */
  ended() {
    return this.#ended;
  }

  /** Adds a content of random bytes; resolves with its id. */
  async offer(bytes) {
    const { id } = await this.#swarm.content.add(randomStream(bytes), { name: "bench.bin" });
    return id;
  }

  /** Resolves when a peer offers the content. */
  async offered(id) {
    const isOffered = () => this.#swarm.content.available().some((content) => content.id === id);
    while (!isOffered()) {
      await new Promise((resolve) => this.#swarm.addEventListener("content:update", resolve, { once: true }));
    }
  }

  /** Fetches a content, reading it in order while it comes: so each byte was verified, stored and decrypted. */
  async fetch(id) {
    const requestedAt = performance.now();
    const download = this.#swarm.content.get(id);
    let firstAt = 0;
    let bytes = 0;
    for await (const piece of download.stream()) {
      if (firstAt === 0) firstAt = performance.now();
      bytes += piece.length;
    }
    await download.done;
    const seconds = (performance.now() - requestedAt) / 1000;
    return { bytes, firstChunkMs: firstAt - requestedAt, bytesPerSecond: bytes / seconds };
  }

  /** Begins to fetch a content; resolves once so many bytes are here. */
  async begin(id, bytes) {
    this.#running = this.#swarm.content.get(id);
    while (this.#running.progress.doneBytes < bytes) {
      await new Promise((resolve) => this.#swarm.addEventListener("content:progress", resolve, { once: true }));
    }
  }

  /** The whole of what was begun; resolves with how many bytes it has. */
  async finish() {
    const blob = await this.#running;
    return blob.size;
  }

  /** Fetches a content as a person does who saves it: as a `Blob`, whose length this returns. */
  async fetchBlob(id) {
    const blob = await this.#swarm.content.get(id);
    return blob.size;
  }

  /** Adds contents of so many bytes, none like another; resolves with their ids. */
  async offerMany(count, bytes) {
    const ids = [];
    for (let i = 0; i < count; i++) ids.push(await this.offer(bytes));
    return ids;
  }

  /** Fetches contents one after the other; resolves with how long each took from the call to its last byte, in milliseconds. */
  async fetchEach(ids) {
    const took = [];
    for (const id of ids) {
      const requestedAt = performance.now();
      await this.#readWhole(id);
      took.push(performance.now() - requestedAt);
    }
    return took;
  }

  /** Asks for all these contents at once; resolves with how many came a second. */
  async fetchRate(ids) {
    const requestedAt = performance.now();
    await Promise.all(ids.map((id) => this.#readWhole(id)));
    return (ids.length / (performance.now() - requestedAt)) * 1000;
  }

  async remove(id) {
    await this.#swarm.content.remove(id);
  }

  /** The smoothed round trip that the swarm measures itself, in milliseconds; null before the first. */
  roundTrip() {
    return this.#swarm.peers()[0]?.rttMs ?? null;
  }

  stats() {
    return this.#swarm.stats();
  }

  /** Joins the room of the measures, and says back there what comes on the channel `ping`. */
  async join() {
    const room = await this.#swarm.join("bench");
    for (const name of ["ping", "pong", "small"]) this.#channels[name] = room.channel(name);
    const { ping, pong } = this.#channels;
    ping.onmessage = ({ data }) => void pong.send(data);
  }

  /** The mean of so many round trips of 1 KiB by messages, one after the other, in milliseconds. */
  async messageRoundTrip(count) {
    const { ping, pong } = this.#channels;
    const message = new Uint8Array(PING_BYTES);
    const begun = performance.now();
    await new Promise((resolve) => {
      let left = count;
      pong.onmessage = () => {
        left -= 1;
        if (left === 0) return resolve();
        void ping.send(message);
      };
      void ping.send(message);
    });
    return (performance.now() - begun) / count;
  }

  /** Expects so many small messages from now on. */
  expectMessages(count) {
    this.#running = new Promise((resolve) => {
      let left = count;
      this.#channels.small.onmessage = () => {
        left -= 1;
        if (left === 0) resolve(sharedNow());
      };
    });
  }

  /** When the last one of them was here. */
  receivedMessages() {
    return this.#running;
  }

  /** Sends so many small messages, as many at a time as may be `underWay`: each is awaited. `to`: one peer, or all. Returns when it began. */
  async sendMessages(count, underWay, to) {
    const { small } = this.#channels;
    const message = new Uint8Array(SMALL_BYTES);
    const begun = sharedNow();
    let left = count;
    const sendInTurn = async () => {
      while (left > 0) {
        left -= 1;
        await small.send(message, { to });
      }
    };
    await Promise.all(Array.from({ length: underWay }, sendInTurn));
    return begun;
  }

  /** Joins a room, hears what numbers are said there, and says the next one every `everyMs` until `hush`. */
  async talk(everyMs) {
    const talk = this.#talk;
    const room = await this.#swarm.join("talk");
    const channel = room.channel("numbers");
    channel.onmessage = ({ data }) => {
      talk.heard.push(data);
      talk.tell();
    };
    const sent = [];
    const timer = setInterval(() => sent.push(channel.send(sent.length)), everyMs);
    talk.hush = async () => {
      clearInterval(timer);
      await Promise.all(sent);
      return sent.length;
    };
  }

  /** Ends the talk; resolves with how many numbers were said, once none of them waits here. */
  hush() {
    return this.#talk.hush();
  }

  /** Resolves with what was heard, once the other's numbers below `count` are all among it. */
  async heard(count) {
    const talk = this.#talk;
    while (new Set(talk.heard).size < count) await new Promise((resolve) => (talk.tell = resolve));
    return talk.heard;
  }

  /** Until its last byte was verified and decrypted, and is in the reader's hand. */
  async #readWhole(id) {
    const reader = this.#swarm.content.get(id).stream().getReader();
    while (!(await reader.read()).done);
  }

  #tellWaiting() {
    for (const { count, wait } of this.#waiting) {
      if (this.#connectedAt.length >= count) wait.resolve(Math.max(...this.#connectedAt));
    }
  }
}

/** Random bytes piece by piece. Each piece is random in its first part only: they need to differ, not to be a secret. */
function randomStream(bytes) {
  const block = crypto.getRandomValues(new Uint8Array(64 * 1024));
  let left = bytes;
  return new ReadableStream(
    {
      pull(controller) {
        if (left === 0) return controller.close();
        const piece = new Uint8Array(Math.min(PIECE_BYTES, left));
        piece.set(block.subarray(0, piece.length));
        crypto.getRandomValues(piece.subarray(0, 32));
        left -= piece.length;
        controller.enqueue(piece);
      },
    },
    { highWaterMark: 0 },
  );
}

globalThis.tab = new PeerloomTab();
