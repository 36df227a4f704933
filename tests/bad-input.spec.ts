import { expect, test, type Page } from "@playwright/test";

import { add, fetched, idOf, openPair, openTab, statsOf, until } from "./support/tabs.ts";
import type { Refusal } from "./pages/swarm.ts";

const GARBAGE = ["", "garbage", "#peerloom=", "#peerloom=abc", `#peerloom=${"a".repeat(64)}.short`, "A".repeat(64), "a".repeat(63), "https://example.org/#other"];
const NOTHING = "c".repeat(64);

/** Refused, with a sentence for people. */
function expectRefusal(refusal: Refusal | null, code: string): void {
  expect(refusal).toMatchObject({ isSwarmError: true, code });
  expect(refusal?.message.length).toBeGreaterThan(10);
}

const usedBytes = (page: Page): Promise<number> => page.evaluate(async () => (await window.lab.swarm.content.usage()).usedBytes);

test("what is no link and no id is refused as such", async ({ context }) => {
  const page = await openTab(context);
  for (const text of GARBAGE) {
    const { get, stream, connect, info, remove } = await page.evaluate(async (what) => {
      const { lab } = window;
      const { content } = lab.swarm;
      return {
        get: await lab.refusal(() => lab.swarm.content.get(what as never)),
        stream: await lab.refusal(() => content.get(what as never).stream().getReader().read()),
        connect: await lab.refusal(() => lab.swarm.connect(what as never)),
        info: await lab.refusal(() => content.info(what as never)),
        remove: await lab.refusal(() => content.remove(what as never)),
      };
    }, text);
    for (const refusal of [get, stream, connect, info, remove]) {
      expectRefusal(refusal, "BAD_INPUT");
    }
  }
  expectRefusal(await page.evaluate(() => window.lab.refusal(() => window.lab.swarm.connect(window.lab.swarm.id))), "BAD_INPUT");
  expectRefusal(await page.evaluate(() => window.lab.refusal(() => window.lab.swarm.ban("x" as never))), "BAD_INPUT");
  expect(await page.evaluate(() => window.lab.swarm.content.link("x" as never))).toBeNull();
});

test("a file that can't be read to its end is refused, and nothing of it is kept", async ({ context }) => {
  const page = await openTab(context);
  await add(page, { seed: 95, bytes: 1_000_000 });
  const before = await usedBytes(page);
  const { errored, notBytes, locked, text } = await page.evaluate(async () => {
    const { lab } = window;
    const failing = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(lab.matter(96, 0, 2_000_000)),
      pull: (controller) => controller.error(new DOMException("the disk is gone", "NotReadableError")),
    }, { highWaterMark: 0 });
    const texts = new ReadableStream({ pull: (controller) => controller.enqueue("text") });
    const read = lab.matterStream(97, 10);
    read.getReader();
    return {
      errored: await lab.refusal(() => lab.swarm.content.add(failing)),
      notBytes: await lab.refusal(() => lab.swarm.content.add(texts as never)),
      locked: await lab.refusal(() => lab.swarm.content.add(read)),
      text: await lab.refusal(() => lab.swarm.content.add("text" as never)),
    };
  });
  for (const refusal of [errored, notBytes, locked, text]) {
    expectRefusal(refusal, "BAD_INPUT");
  }
  expect(errored?.message).toContain("the disk is gone");
  expect(await usedBytes(page)).toBe(before);
  expect(await page.evaluate(async () => (await window.lab.swarm.content.list()).length)).toBe(1);
});

test("names and types beyond their bounds are refused", async ({ context }) => {
  const page = await openTab(context);
  const refused = (options: object): Promise<Refusal | null> =>
    page.evaluate((given) => window.lab.refusal(() => window.lab.swarm.content.add(new Uint8Array(5), given)), options);
  expectRefusal(await refused({ name: "n".repeat(256) }), "TOO_LARGE");
  expectRefusal(await refused({ name: "\u00e9".repeat(128) }), "TOO_LARGE");
  expectRefusal(await refused({ mime: "m".repeat(128) }), "TOO_LARGE");
  expectRefusal(await refused({ mime: "text/\nplain" }), "BAD_INPUT");
  expect(await refused({ name: "n".repeat(255), mime: "m".repeat(127) })).toBeNull();
  expect(await usedBytes(page)).toBe(21);
});

test("a caller who gives up is told so, and nothing is kept of what was not finished", async ({ context }) => {
  const [one, two] = await openPair(context);
  const { id } = await add(one, { seed: 98, bytes: 60_000_000 });
  await until(two, "content:available", { id });
  const before = await usedBytes(one);
  const outcomes = await one.evaluate(async (unknown) => {
    const { lab } = window;
    const { swarm } = lab;
    const aborted = AbortSignal.abort();
    // Gives up once a chunk was stored.
    const late = new AbortController();
    const onProgress = (): void => late.abort();
    return {
      open: await lab.refusal(() => lab.open({ signal: aborted })),
      ready: await lab.refusal(() => swarm.ready({ peers: 9, signal: AbortSignal.timeout(20) })),
      add: await lab.refusal(() => swarm.content.add(lab.matterStream(99, 30_000_000), { signal: late.signal, onProgress })),
      addLate: await lab.refusal(() => swarm.content.add(lab.matterStream(99, 3_000_000_000), { timeoutMs: 300 })),
      get: await lab.refusal(() => swarm.content.get(unknown as never, { signal: aborted })),
      getLate: await lab.refusal(() => swarm.content.get(unknown as never, { timeoutMs: 50 })),
      events: await lab.refusal(() => swarm.events("close", { timeoutMs: 20 }).next()),
    };
  }, NOTHING);
  expectRefusal(outcomes.open, "ABORTED");
  expectRefusal(outcomes.ready, "TIMEOUT");
  expectRefusal(outcomes.add, "ABORTED");
  expectRefusal(outcomes.addLate, "TIMEOUT");
  expectRefusal(outcomes.get, "ABORTED");
  expectRefusal(outcomes.getLate, "TIMEOUT");
  expectRefusal(outcomes.events, "TIMEOUT");
  expect(await usedBytes(one)).toBe(before);

  const ended = await two.evaluate(async (content) => {
    const { lab } = window;
    const giveUp = new AbortController();
    lab.begin(content, { signal: giveUp.signal });
    await lab.reached(1_000_000);
    giveUp.abort();
    return lab.refusal(() => lab.running);
  }, id);
  expectRefusal(ended, "ABORTED");
  expect((await statsOf(two))["node.bugs"]).toBe(0);
});

test("a wrong key in a link spoils nothing: the content's peers know the right one", async ({ context }) => {
  const [one, two] = await openPair(context);
  const { id } = await add(one, { seed: 100, bytes: 500_000 });
  await until(two, "content:available", { id });
  const wrong = `#peerloom=${id}.${"A".repeat(43)}`;
  expect(await fetched(two, wrong as never, 100)).toMatchObject({ bytes: 500_000, wrongAt: null });
});

test("a swarm is opened with options that make sense, or not at all", async ({ context }) => {
  const page = await openTab(context, { open: "no" });
  const refused = (options: object): Promise<Refusal | null> => page.evaluate((given) => window.lab.refusal(() => window.lab.open(given)), options);
  for (const options of [{ app: "" }, { app: "a".repeat(65) }, { app: 5 }, { profile: "" }, { maxConnections: 0 }, { maxConnections: 1.5 }, { seedPeers: ["nobody"] }, { seedPeers: 5 }, { identity: "forged" }, { store: { kind: "tape" } }, { signalling: [{ kind: "smoke" }] }, { rtc: { iceServers: [{ urls: "nowhere" }] } }]) {
    expectRefusal(await refused(options), "BAD_INPUT");
  }
  expect(await page.evaluate(async () => ((await navigator.locks.query()).held ?? []).length)).toBe(0);
});

test("where the browser makes no more connections, a swarm is opened all the same", async ({ context }) => {
  const page = await openTab(context, { open: "no" });
  const other = await openTab(context);
  const failure = await page.evaluate(async (peer) => {
    const taken: RTCPeerConnection[] = [];
    try {
      for (;;) taken.push(new RTCPeerConnection());
    } catch {
      // As many as there may be.
    }
    await window.lab.open();
    const { swarm } = window.lab;
    const content = await swarm.content.add(new Uint8Array(5));
    const stored = (await swarm.content.info(content.id))?.complete;
    const refusal = await window.lab.refusal(() => swarm.connect(peer));
    return { stored, code: refusal?.code, reason: refusal?.failure?.reason, held: taken.length };
  }, await idOf(other));
  expect(failure).toMatchObject({ stored: true, code: "UNREACHABLE" });
  expect(failure.reason).toContain("PeerConnection");
});

test("a swarm that is closed says so, whatever is asked of it", async ({ context }) => {
  const [one, two] = await openPair(context);
  const { id } = await add(two, { seed: 101, bytes: 60_000_000 });
  await until(one, "content:available", { id });
  const outcomes = await one.evaluate(async (content) => {
    const { lab } = window;
    const { swarm } = lab;
    lab.begin(content);
    const download = lab.running;
    await lab.reached(500_000);
    const running = lab.refusal(() => download.done);
    const reading = lab.refusal(() => lab.compare(download.stream(), 101));
    const waiting = lab.refusal(() => swarm.ready({ peers: 9 }));
    const iterator = swarm.events("security");
    const closing = swarm.close();
    const again = swarm.close();
    await Promise.all([closing, again]);
    return {
      refusals: [
        await running,
        await reading,
        await waiting,
        await lab.refusal(() => swarm.start()),
        await lab.refusal(() => swarm.stop()),
        await lab.refusal(() => swarm.connect("a".repeat(64) as never)),
        await lab.refusal(() => swarm.content.add(new Uint8Array(5))),
        await lab.refusal(() => swarm.content.get(content)),
        await lab.refusal(() => swarm.content.list()),
        await lab.refusal(() => swarm.content.remove(content)),
        await lab.refusal(() => swarm.stats()),
      ],
      done: (await iterator.next()).done,
      status: swarm.status,
      peers: swarm.peers(),
      available: swarm.content.available(),
    };
  }, id);
  for (const refusal of outcomes.refusals) {
    expectRefusal(refusal, "CLOSED");
  }
  expect(outcomes).toMatchObject({ done: true, status: { mode: "offline", state: "stopped", peersConnected: 0 }, peers: [], available: [] });
});
