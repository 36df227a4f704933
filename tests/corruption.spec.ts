import { expect, test, type Page } from "@playwright/test";

import { add, fetched, idOf, openMesh, openTab, ready, seenCount, statsOf, until } from "./support/tabs.ts";

const BYTES = 1_000_000;

/** From now on, every chunk that this tab sends has a byte that is not as it was. */
async function spoilChunks(page: Page): Promise<void> {
  await page.evaluate(() => {
    // Manifests are shorter than this, and stay as they are.
    const CHUNK_FRAME_BYTES_MIN = 16_384;
    const send = RTCDataChannel.prototype.send as (this: RTCDataChannel, data: ArrayBufferView<ArrayBuffer>) => void;
    RTCDataChannel.prototype.send = function (this: RTCDataChannel, data: unknown) {
      const frame = data as Uint8Array<ArrayBuffer>;
      if (this.label !== "bulk" || frame.byteLength < CHUNK_FRAME_BYTES_MIN) {
        return send.call(this, frame);
      }
      const spoilt = frame.slice();
      spoilt[CHUNK_FRAME_BYTES_MIN - 1] = (spoilt[CHUNK_FRAME_BYTES_MIN - 1] ?? 0) ^ 1;
      send.call(this, spoilt);
    };
  });
}

test("who sends wrong bytes is struck, then banned, and the chunks come from elsewhere", async ({ context }) => {
  const [honest, hostile] = await openMesh(context, 2);
  if (honest === undefined || hostile === undefined) {
    throw new Error("two were opened");
  }
  const contents: string[] = [];
  for (let seed = 40; seed < 43; seed++) {
    const { id } = await add(honest, { seed, bytes: BYTES });
    await until(hostile, "content:available", { id });
    await fetched(hostile, id, seed);
    contents.push(id);
  }
  await spoilChunks(hostile);
  const liar = await idOf(hostile);

  // At first nobody but the liar is there.
  await honest.evaluate(() => window.lab.swarm.stop());
  const victim = await openTab(context);
  await ready(victim);
  await victim.waitForFunction((count) => window.lab.swarm.content.available().length === count, contents.length);
  const seen = await seenCount(victim);
  for (const [n, content] of contents.entries()) {
    await victim.evaluate((id) => window.lab.begin(id as never), content);
    const last = n === contents.length - 1;
    await until(victim, "security", { peer: liar, kind: "wrongHash", action: last ? "ban" : "strike" }, seen);
  }
  await until(victim, "peer:disconnect", { id: liar, cause: "banned" });
  await until(hostile, "peer:disconnect", { id: await idOf(victim) });
  for (const content of contents) {
    expect(await victim.evaluate((id) => window.lab.swarm.content.info(id as never), content)).toMatchObject({ complete: false });
  }

  await honest.evaluate(() => window.lab.swarm.start());
  for (const [n, content] of contents.entries()) {
    expect(await fetched(victim, content as never, 40 + n)).toMatchObject({ bytes: BYTES, wrongAt: null });
  }
  // However many chunks of one content came before the first was looked at.
  expect(await victim.evaluate(() => window.lab.all("security").length)).toBe(contents.length);
  expect(await statsOf(victim)).toMatchObject({ "node.bugs": 0 });
  expect(await victim.evaluate(() => window.lab.swarm.status.peersConnected)).toBe(1);
});

test("one wrong chunk among good ones costs its sender a strike and nobody a byte", async ({ context }) => {
  const pages = await openMesh(context, 3);
  const [honest, hostile, victim] = pages;
  if (honest === undefined || hostile === undefined || victim === undefined) {
    throw new Error("three were opened");
  }
  const bytes = 12_000_000;
  const { id } = await add(honest, { seed: 45, bytes, encrypt: false });
  await until(hostile, "content:available", { id });
  await fetched(hostile, id, 45);
  await spoilChunks(hostile);
  await until(victim, "content:update", { id, providers: 2 });
  expect(await fetched(victim, id, 45)).toMatchObject({ bytes, wrongAt: null });
  const strikes = await victim.evaluate(() => window.lab.all("security").map(({ detail }) => detail));
  expect(strikes).toEqual([{ peer: await idOf(hostile), kind: "wrongHash", action: "strike" }]);
  expect(await victim.evaluate(() => window.lab.swarm.peers().map(({ strikes: count }) => count))).toContain(1);
  expect(await honest.evaluate(() => window.lab.all("security"))).toEqual([]);
});
