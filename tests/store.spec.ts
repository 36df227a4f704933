import { expect, test, type BrowserContext, type Page } from "@playwright/test";

import type { StoreConfig } from "../web/sdk/store/protocol.ts";
import type {} from "./pages/store.ts";
import { limitQuota, onDisk } from "./support/disk.ts";

const PAGE = "/tests/pages/store.html";
const CHUNK_BYTES = 262_144;
const RECORD_BYTES = 64;
const QUOTA_BYTES = 20 * 1_048_576;

const config = (name: string, bytesMax: number | null = null): StoreConfig => ({ name, kind: "persistent", bytesMax });

async function tab(context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  await page.goto(PAGE);
  await loaded(page);
  return page;
}

async function loaded(page: Page): Promise<void> {
  await page.waitForFunction(() => window.bench !== undefined);
}

async function reopened(page: Page, name: string) {
  await page.reload();
  await loaded(page);
  return page.evaluate((given) => window.bench.open(given), config(name));
}

test("chunks and records survive a reload @firefox", async ({ context }) => {
  const page = await tab(context);
  expect(await page.evaluate((given) => window.bench.open(given), config("reload"))).toEqual({ kind: "opfs", fallbacks: [], droppedCount: 0 });
  expect(await page.evaluate(() => window.bench.put(20, 0))).toMatchObject({ stored: 20, failures: {} });
  await page.evaluate(() => window.bench.store.applyRecords([{ key: "a", value: Uint8Array.of(1) }], []));
  const hashes = await page.evaluate(() => [...window.bench.hashes]);
  expect(await reopened(page, "reload")).toEqual({ kind: "opfs", fallbacks: [], droppedCount: 0 });
  expect(await page.evaluate((all) => window.bench.get(all), hashes)).toMatchObject({ stored: 20, failures: {} });
  expect(await page.evaluate(async () => (await window.bench.store.loadRecords()).map(({ key }) => key))).toEqual(["a"]);
});

for (const [breakage, kind] of [
  ["no-opfs", "indexeddb"],
  ["no-worker", "indexeddb"],
  ["no-storage", "memory"],
] as const) {
  test(`the store works with ${breakage}, and says what it fell back to`, async ({ context }) => {
    const page = await tab(context);
    const opened = await page.evaluate(([given, broken]) => window.bench.open(given, broken), [config(breakage), breakage] as const);
    expect(opened).toMatchObject({ kind, droppedCount: 0 });
    expect(opened.fallbacks.length).toBeGreaterThan(0);
    expect(await page.evaluate(() => window.bench.put(8, 0))).toMatchObject({ stored: 8, failures: {} });
    expect(await page.evaluate(() => window.bench.put(1, 100, 1))).toMatchObject({ stored: 1, failures: {} });
    expect(await page.evaluate(() => window.bench.get())).toMatchObject({ stored: 9, failures: {} });
    const { hashes } = await page.evaluate(() => window.bench.seal(40));
    expect(await page.evaluate((all) => window.bench.unseal(all), hashes)).toMatchObject({ stored: 40, failures: {} });
    expect(await page.evaluate((all) => window.bench.export(all), hashes)).toMatchObject({ bytes: 40 * (CHUNK_BYTES - 16), last: 39 });
    expect(await page.evaluate(() => window.bench.store.usedBytes())).toBe(48 * CHUNK_BYTES + 1);
  });
}

test("what was stored without OPFS is there when OPFS is back, and the other way round nothing is lost", async ({ context }) => {
  const page = await tab(context);
  await page.evaluate((given) => window.bench.open(given), config("both"));
  await page.evaluate(() => window.bench.put(3, 0));
  const inFile = await page.evaluate(() => [...window.bench.hashes]);
  await page.evaluate(() => window.bench.store.close());
  await page.reload();
  await loaded(page);
  await page.evaluate((given) => window.bench.open(given, "no-opfs"), config("both"));
  expect(await page.evaluate((all) => window.bench.has(all), inFile)).toBe(0);
  await page.evaluate(() => window.bench.put(2, 50));
  const inDatabase = await page.evaluate(() => [...window.bench.hashes]);
  await page.evaluate(() => window.bench.store.close());
  await reopened(page, "both");
  expect(await page.evaluate((all) => window.bench.get(all), [...inFile, ...inDatabase])).toMatchObject({ stored: 5, failures: {} });
});

async function checkQuota(context: BrowserContext, breakage: "none" | "no-opfs"): Promise<void> {
  const page = await tab(context);
  // Before anything is stored: for IndexedDB, Chromium asks for the quota once and believes the answer for a while.
  await limitQuota(page, QUOTA_BYTES);
  await page.evaluate(([given, broken]) => window.bench.open(given, broken), [config(`quota-${breakage}`), breakage] as const);
  expect(await page.evaluate(() => window.bench.put(10, 0))).toMatchObject({ stored: 10 });
  const outcome = await page.evaluate(() => window.bench.put(200, 1_000));
  expect(Object.keys(outcome.failures)).toEqual(["QUOTA"]);
  expect(outcome.stored).toBeLessThan(QUOTA_BYTES / CHUNK_BYTES);
  const hashes = await page.evaluate(() => [...window.bench.hashes]);
  expect(await page.evaluate((all) => window.bench.get(all), hashes)).toMatchObject({ stored: hashes.length, failures: {} });
  await limitQuota(page, null);
  // There is room again without a new opening.
  expect(await page.evaluate(() => window.bench.put(5, 5_000))).toMatchObject({ stored: 5, failures: {} });
  await page.evaluate(() => window.bench.store.close());
  await page.reload();
  await loaded(page);
  await page.evaluate(([given, broken]) => window.bench.open(given, broken), [config(`quota-${breakage}`), breakage] as const);
  expect(await page.evaluate((all) => window.bench.get(all), hashes)).toMatchObject({ stored: hashes.length, failures: {} });
}

test("a full disk is QUOTA, and nothing that was stored is lost", () => onDisk((context) => checkQuota(context, "none")));
test("a full disk is QUOTA without OPFS too", () => onDisk((context) => checkQuota(context, "no-opfs")));
test("a full disk is QUOTA off the record too, where writes fail without an exception", async ({ context }) => {
  await checkQuota(context, "none");
});

test("the store's own limit is QUOTA, and deleting makes room", async ({ context }) => {
  const page = await tab(context);
  await page.evaluate((given) => window.bench.open(given), config("limit", 5 * CHUNK_BYTES));
  expect(await page.evaluate(() => window.bench.put(8, 0))).toMatchObject({ stored: 5, failures: { QUOTA: 3 } });
  await page.evaluate(() => window.bench.delete(window.bench.hashes.slice(0, 2)));
  expect(await page.evaluate(() => window.bench.put(3, 50))).toMatchObject({ stored: 2, failures: { QUOTA: 1 } });
});

test("a tab that dies while it stores leaves only whole chunks, and no lost space", () =>
  onDisk(async (context) => {
    const page = await tab(context);
    await page.evaluate((given) => window.bench.open(given), config("crash"));
    await page.evaluate(() => window.bench.putAndForget(400, 0));
    await page.waitForFunction(() => window.bench.hashes.length > 20);
    const acknowledged = await page.evaluate(() => [...window.bench.hashes]);
    const crashed = page.waitForEvent("crash");
    await page.goto("chrome://crash").catch(() => undefined);
    await crashed;
    const after = await tab(context);
    expect(await after.evaluate((given) => window.bench.open(given), config("crash"))).toMatchObject({ kind: "opfs", droppedCount: 0 });
    expect(await after.evaluate((all) => window.bench.get(all), acknowledged)).toMatchObject({ stored: acknowledged.length, failures: {} });
    const usedBytes = await after.evaluate(() => window.bench.store.usedBytes());
    expect(usedBytes).toBeGreaterThanOrEqual(acknowledged.length * CHUNK_BYTES);
    // Delete all that is known: the file has nothing left in it.
    await after.evaluate(() => window.bench.store.retain(new Uint8Array()));
    await after.evaluate(() => window.bench.store.close());
    expect(await after.evaluate(() => window.bench.fileBytes("crash.chunks"))).toBe(0);
  }));

test("a chunk file that was cut or removed costs only what was in it", async ({ context }) => {
  const page = await tab(context);
  await page.evaluate((given) => window.bench.open(given), config("cut"));
  await page.evaluate(() => window.bench.put(6, 0));
  const hashes = await page.evaluate(() => [...window.bench.hashes]);
  await page.evaluate(() => window.bench.store.close());
  await page.evaluate((bytes) => window.bench.cutFile("cut.chunks", bytes), 4 * CHUNK_BYTES + 7);
  expect(await reopened(page, "cut")).toEqual({ kind: "opfs", fallbacks: [], droppedCount: 2 });
  expect(await page.evaluate((all) => window.bench.has(all), hashes)).toBe(4);
  expect(await page.evaluate((all) => window.bench.get(all), hashes)).toMatchObject({ stored: 4, failures: { IO: 2 } });
  await page.evaluate(() => window.bench.store.close());
  await page.evaluate(async () => (await navigator.storage.getDirectory()).removeEntry("cut.chunks"));
  expect(await reopened(page, "cut")).toEqual({ kind: "opfs", fallbacks: [], droppedCount: 4 });
  expect(await page.evaluate(() => window.bench.put(2, 90))).toMatchObject({ stored: 2, failures: {} });
});

test("a table of slots that was damaged, cut or removed costs only what it told of", async ({ context }) => {
  const page = await tab(context);
  await page.evaluate((given) => window.bench.open(given), config("table"));
  await page.evaluate(() => window.bench.put(6, 0));
  const hashes = await page.evaluate(() => [...window.bench.hashes]);
  await page.evaluate(() => window.bench.store.close());
  await page.evaluate((at) => window.bench.spoilFile("table.slots", at), RECORD_BYTES + 7);
  await page.evaluate((bytes) => window.bench.cutFile("table.slots", bytes), 5 * RECORD_BYTES + 1);
  expect(await reopened(page, "table")).toEqual({ kind: "opfs", fallbacks: [], droppedCount: 1 });
  expect(await page.evaluate((all) => window.bench.get(all), hashes)).toMatchObject({ stored: 4, failures: { IO: 2 } });
  // What is fetched again takes the free slots.
  expect(await page.evaluate(() => window.bench.put(6, 0))).toMatchObject({ stored: 6, failures: {} });
  await page.evaluate(() => window.bench.store.close());
  await page.evaluate(async () => (await navigator.storage.getDirectory()).removeEntry("table.slots"));
  expect(await reopened(page, "table")).toEqual({ kind: "opfs", fallbacks: [], droppedCount: 0 });
  expect(await page.evaluate((all) => window.bench.has(all), hashes)).toBe(0);
  expect(await page.evaluate(() => window.bench.put(2, 90))).toMatchObject({ stored: 2, failures: {} });
});

test("a chunk that rots on disk is found out when it is read, and forgotten", async ({ context }) => {
  const page = await tab(context);
  await page.evaluate((given) => window.bench.open(given), config("rot"));
  await page.evaluate(() => window.bench.put(3, 0));
  const { hashes } = await page.evaluate(() => window.bench.seal(1));
  const all = [...(await page.evaluate(() => [...window.bench.hashes])), ...hashes];
  await page.evaluate(() => window.bench.store.close());
  await page.evaluate((at) => window.bench.spoilFile("rot.chunks", at), 3 * CHUNK_BYTES + 1_000);
  await reopened(page, "rot");
  expect(await page.evaluate((sealed) => window.bench.unseal(sealed), hashes)).toMatchObject({ stored: 0, failures: { DAMAGED: 1 } });
  expect(await page.evaluate((known) => window.bench.has(known), all)).toBe(3);
});

test("of a store of version 1 the records stay, and its chunks are dropped and make room", async ({ context }) => {
  const page = await tab(context);
  const hash = "ab".repeat(32);
  // As version 1 made it: where a chunk is, in the file or here, was told by "chunks".
  await page.evaluate(
    async ([name, chunk, chunkBytes]) => {
      const request = indexedDB.open(name, 1);
      request.onupgradeneeded = () => {
        for (const store of ["records", "chunks", "bodies"]) request.result.createObjectStore(store);
      };
      const db = await new Promise<IDBDatabase>((resolve) => (request.onsuccess = () => resolve(request.result)));
      const tx = db.transaction(["records", "chunks", "bodies"], "readwrite");
      tx.objectStore("records").put(Uint8Array.of(1, 2, 3), "kept");
      tx.objectStore("chunks").put({ slot: null, bytes: 5 }, chunk);
      tx.objectStore("bodies").put(new Uint8Array(5), chunk);
      tx.objectStore("chunks").put({ slot: 1, bytes: chunkBytes }, chunk.replaceAll("a", "c"));
      await new Promise((resolve) => (tx.oncomplete = resolve));
      db.close();
      const file = await (await navigator.storage.getDirectory()).getFileHandle(`${name}.chunks`, { create: true });
      const writable = await file.createWritable();
      await writable.write(new Uint8Array(2 * chunkBytes));
      await writable.close();
    },
    ["upgraded", hash, CHUNK_BYTES] as const,
  );
  expect(await page.evaluate((given) => window.bench.open(given), config("upgraded"))).toEqual({ kind: "opfs", fallbacks: [], droppedCount: 0 });
  expect(await page.evaluate(() => window.bench.store.loadRecords())).toEqual([{ key: "kept", value: Uint8Array.of(1, 2, 3) }]);
  expect(await page.evaluate((known) => window.bench.has(known), [hash, hash.replaceAll("a", "c")])).toBe(0);
  expect(await page.evaluate(() => window.bench.store.usedBytes())).toBe(0);
  expect(await page.evaluate(() => window.bench.put(1, 0))).toMatchObject({ stored: 1, failures: {} });
  await page.evaluate(() => window.bench.store.close());
  expect(await page.evaluate(() => window.bench.fileBytes("upgraded.chunks"))).toBe(CHUNK_BYTES);

  // It is of version 2 from now on, and stays as it is.
  expect(await reopened(page, "upgraded")).toEqual({ kind: "opfs", fallbacks: [], droppedCount: 0 });
  expect(await page.evaluate(async () => (await window.bench.store.loadRecords()).map(({ key }) => key))).toEqual(["kept"]);
  expect(await page.evaluate(async () => (await indexedDB.databases()).find(({ name }) => name === "upgraded")?.version)).toBe(2);
});

test("data of a newer version is refused and left alone", async ({ context }) => {
  const page = await tab(context);
  const outcome = await page.evaluate(async (given) => {
    const newer = indexedDB.open(given.name, 99);
    await new Promise((resolve) => (newer.onsuccess = resolve));
    newer.result.close();
    return window.bench.open(given).catch((error: { code: string; message: string }) => `${error.code}: ${error.message}`);
  }, config("newer"));
  expect(outcome).toContain("UNSUPPORTED: the stored data was written by a newer version");
});

test("a whole content is exported to a file, which is removed at the end and at the next opening", async ({ context }) => {
  const page = await tab(context);
  await page.evaluate((given) => window.bench.open(given), config("export"));
  const { hashes } = await page.evaluate(() => window.bench.seal(50));
  expect(await page.evaluate((all) => window.bench.export(all), hashes)).toMatchObject({ bytes: 50 * (CHUNK_BYTES - 16), last: 49 });
  expect(await page.evaluate(() => window.bench.files())).toEqual(["export.chunks", "export.export-1", "export.slots"]);
  await reopened(page, "export");
  expect(await page.evaluate(() => window.bench.files())).toEqual(["export.chunks", "export.slots"]);
  await page.evaluate((all) => window.bench.export(all), hashes);
  await page.evaluate(() => window.bench.store.close());
  expect(await page.evaluate(() => window.bench.files())).toEqual(["export.chunks", "export.slots"]);
});

test("storage that is cleared while it is used is gone, and says so", async ({ context }) => {
  const page = await tab(context);
  await page.evaluate((given) => window.bench.open(given), config("cleared"));
  await page.evaluate(() => window.bench.put(2, 0));
  const deleted = page.evaluate(
    (name) => new Promise((resolve) => (indexedDB.deleteDatabase(name).onsuccess = () => resolve(true))),
    "cleared",
  );
  expect(await deleted).toBe(true);
  expect(await page.evaluate(() => window.bench.put(1, 70))).toMatchObject({ stored: 0, failures: { UNAVAILABLE: 1 } });
});
