import { expect, test } from "@playwright/test";

import { add, fetched, openPair, statsOf, until } from "./support/tabs.ts";

/** The plain bytes of a chunk: an encrypted one has a tag of 16 besides. */
const CHUNK_BYTES = { encrypted: 262_112, plain: 262_128 };

for (const [kind, chunkBytes] of Object.entries(CHUNK_BYTES)) {
  const encrypt = kind === "encrypted";
  const sizes = [0, 1, chunkBytes - 1, chunkBytes, chunkBytes + 1, 5 * chunkBytes, 6 * chunkBytes + 12_345];

  test(`${kind} contents of 0 B, 1 B, a chunk, a byte less and more, and several chunks arrive as they were sent`, async ({ context }) => {
    const [one, two] = await openPair(context);
    for (const [seed, bytes] of sizes.entries()) {
      const { id } = await add(one, { seed, bytes, encrypt, mime: "application/x-story" });
      expect((await until(two, "content:available", { id })).detail).toMatchObject({ bytes, encrypted: encrypt });
      const got = await fetched(two, id, seed);
      expect(got).toMatchObject({ bytes, wrongAt: null, type: "application/x-story" });
      expect(got.progress).toMatchObject({ doneBytes: bytes, totalBytes: bytes, fromPeers: bytes, fromDisk: 0 });
      expect(await two.evaluate((content) => window.lab.swarm.content.info(content), id)).toMatchObject({ complete: true });
    }
    // Whoever has it all offers it too.
    await expect.poll(() => one.evaluate(() => window.lab.swarm.peers()[0]?.contents)).toBe(sizes.length);
    expect(await statsOf(two)).toMatchObject({ "content.downloads_completed": sizes.length, "node.bugs": 0 });
    expect((await statsOf(one))["node.bugs"]).toBe(0);
  });
}

test("a Blob, a File, bytes and a stream go in alike", async ({ context }) => {
  const [one, two] = await openPair(context);
  for (const [seed, as] of (["blob", "file", "bytes", "stream"] as const).entries()) {
    const { id } = await add(one, { seed, as, bytes: 700_001, name: `as ${as}` });
    expect(await fetched(two, id, seed)).toMatchObject({ bytes: 700_001, wrongAt: null });
  }
});

test("a share link opens what it names, wherever it was copied", async ({ context }) => {
  const [one, two] = await openPair(context);
  const { id, link } = await add(one, { seed: 7, bytes: 300_000 });
  expect(link).toMatch(/^#peerloom=[0-9a-f]{64}\.[A-Za-z0-9_-]{43}$/);
  const open = await add(one, { seed: 8, bytes: 300_000, encrypt: false });
  expect(open.link).toBe(`#peerloom=${open.id}`);
  expect(await fetched(two, `https://example.org/a/page${link}` as typeof link, 7)).toMatchObject({ bytes: 300_000, wrongAt: null });
  expect(await fetched(two, ` ${open.link}\n` as typeof link, 8)).toMatchObject({ bytes: 300_000, wrongAt: null });
  expect(await two.evaluate((content) => window.lab.swarm.content.link(content), id)).toBe(link);
});

test("a stream gives the bytes in order while they arrive, and only those of its range", async ({ context }) => {
  const [one, two] = await openPair(context);
  const bytes = 20 * CHUNK_BYTES.encrypted;
  const { id } = await add(one, { seed: 9, bytes });
  const outcome = await two.evaluate(async (content) => {
    const { lab } = window;
    const download = lab.swarm.content.get(content);
    const middle = { start: 1_000_001, end: 3_000_000 };
    const [whole, part, empty] = await Promise.all([
      lab.compare(download.stream(), 9),
      lab.compare(download.stream(middle), 9, middle.start),
      lab.compare(download.stream({ start: 5, end: 5 }), 9, 5),
    ]);
    await download.done;
    const tail = await lab.compare(download.stream({ start: 5_000_000 }), 9, 5_000_000);
    return { whole, part, empty, tail };
  }, id);
  expect(outcome).toEqual({
    whole: { bytes, wrongAt: null },
    part: { bytes: 1_999_999, wrongAt: null },
    empty: { bytes: 0, wrongAt: null },
    tail: { bytes: bytes - 5_000_000, wrongAt: null },
  });
});

test("many contents go both ways at once", async ({ context }) => {
  const pages = await openPair(context);
  const counts = [...Array(12).keys()];
  const sizes = counts.map((n) => 1 + n * 120_000);
  const sent = await Promise.all(
    pages.map((page, side) => Promise.all(sizes.map((bytes, n) => add(page, { seed: 200 + side * 100 + n, bytes, encrypt: n % 2 === 0 })))),
  );
  await Promise.all(
    pages.map(async (page, side) => {
      const others = sent[1 - side] ?? [];
      await page.waitForFunction((count) => window.lab.swarm.content.available().length === count, others.length);
      const wanted = others.map(({ id }, n) => ({ id, seed: 200 + (1 - side) * 100 + n }));
      const got = await page.evaluate(
        (contents) => Promise.all(contents.map(async ({ id, seed }) => window.lab.compare((await window.lab.swarm.content.get(id)).stream(), seed))),
        wanted,
      );
      expect(got).toEqual(sizes.map((bytes) => ({ bytes, wrongAt: null })));
    }),
  );
});

test("both sides are told how far it is, forwards only", async ({ context }) => {
  const [one, two] = await openPair(context);
  const bytes = 40 * CHUNK_BYTES.encrypted + 1;
  const { id } = await add(one, { seed: 11, bytes });
  expect(await fetched(two, id, 11)).toMatchObject({ bytes, wrongAt: null });
  const got = await two.evaluate((content) => window.lab.all("content:progress", { id: content }).map(({ detail }) => detail as { doneBytes: number }), id);
  const done = got.map(({ doneBytes }) => doneBytes);
  expect(done).toEqual([...done].sort((a, b) => a - b));
  expect(done.at(-1)).toBe(bytes);
  const storedBytes = bytes + 41 * 16;
  // The two tabs tell their sides on their own: the sender may be told later than the receiver.
  await until(one, "content:upload", { id, sentBytes: storedBytes, totalBytes: storedBytes });
  // Together with the status: nothing that came was lost on the way.
  await expect.poll(() => two.evaluate(() => window.lab.swarm.status.bytesIn)).toBeGreaterThan(storedBytes);
  await expect.poll(() => one.evaluate(() => window.lab.swarm.status.bytesOut)).toBeGreaterThan(storedBytes);
});

test("a download that is paused stands still, and goes on where it was", async ({ context }) => {
  const [one, two] = await openPair(context);
  const bytes = 80 * CHUNK_BYTES.encrypted;
  const { id } = await add(one, { seed: 12, bytes });
  await two.evaluate(async (content) => {
    window.lab.begin(content);
    await window.lab.reached(1_000_000);
    window.lab.running.pause();
  }, id);
  await until(two, "content:update", { id, download: "paused" });
  expect(await two.evaluate(() => window.lab.running.progress.doneBytes)).toBeLessThan(bytes);
  await two.evaluate(() => window.lab.running.resume());
  const got = await two.evaluate(() => window.lab.finish(12));
  expect(got).toMatchObject({ bytes, wrongAt: null, progress: { fromPeers: bytes, fromDisk: 0 } });
  expect((await statsOf(two))["content.bodies_wrong"] ?? 0).toBe(0);
});

test("what was cancelled is on disk, and not fetched again", async ({ context }) => {
  const [one, two] = await openPair(context);
  const bytes = 80 * CHUNK_BYTES.encrypted;
  const { id } = await add(one, { seed: 13, bytes });
  const { doneBytes, refusal } = await two.evaluate(async (content) => {
    const { lab } = window;
    lab.begin(content);
    const reached = await lab.reached(1_000_000);
    lab.running.cancel();
    return { doneBytes: reached.doneBytes, refusal: await lab.refusal(() => lab.running.done) };
  }, id);
  expect(refusal).toMatchObject({ isSwarmError: true, code: "ABORTED" });
  expect(await two.evaluate((content) => window.lab.swarm.content.info(content), id)).toMatchObject({ local: "partial", download: null });
  const got = await fetched(two, id, 13);
  expect(got).toMatchObject({ bytes, wrongAt: null });
  expect(got.progress.fromDisk).toBeGreaterThanOrEqual(doneBytes);
  expect(got.progress.fromDisk + got.progress.fromPeers).toBe(bytes);
});
