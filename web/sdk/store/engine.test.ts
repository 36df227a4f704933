import { describe, expect, it } from "vitest";

import { fromHex, toHex } from "../hex.ts";
import type { Bytes } from "../bytes.ts";
import { StoreEngine } from "./engine.ts";
import type { StoreCalls, StoreOp, StoreRequest } from "./protocol.ts";
import { sha256, TAG_BYTES } from "./seal.ts";

const KEY = new Uint8Array(32).fill(9);

type Call = <K extends StoreOp>(op: K, args: StoreCalls[K]["args"]) => Promise<StoreCalls[K]["result"]>;

/** A store in memory, and the way to call it. */
async function opened(bytesMax: number | null = null): Promise<Call> {
  const engine = new StoreEngine();
  const call = ((op: StoreOp, args: unknown) => engine.handle({ id: 0, op, args } as StoreRequest)) as Call;
  await call("open", { name: "test", kind: "memory", bytesMax });
  return call;
}

async function chunk(fill: number, bytes = 100): Promise<{ hash: Bytes; body: Bytes }> {
  const body = new Uint8Array(bytes).fill(fill);
  return { hash: await sha256(body), body };
}

function concat(...hashes: Bytes[]): Bytes {
  return fromHex(hashes.map(toHex).join(""));
}

describe("StoreEngine", () => {
  it("gives back what was put, and the buffer", async () => {
    const call = await opened();
    const { hash, body } = await chunk(1);
    expect(await call("put", { hash, body })).toBe(body.buffer);
    expect(await call("get", { hash, buffer: null })).toEqual(body);
    expect(await call("usage", null)).toEqual({ usedBytes: 100 });
  });

  it("reads to the end of the buffer that it is lent, which leaves room for a header", async () => {
    const call = await opened();
    const { hash, body } = await chunk(1);
    await call("put", { hash, body });
    const buffer = new ArrayBuffer(256);
    const read = await call("get", { hash, buffer });
    expect(read.buffer).toBe(buffer);
    expect(read.byteOffset).toBe(256 - 100);
    expect(read).toEqual(body);
  });

  it("stores a chunk once, however often it is put", async () => {
    const call = await opened();
    const { hash, body } = await chunk(1);
    await Promise.all([call("put", { hash, body }), call("put", { hash, body })]);
    expect(await call("usage", null)).toEqual({ usedBytes: 100 });
  });

  it("refuses what is over the limit, and keeps the rest", async () => {
    const call = await opened(150);
    const [first, second] = [await chunk(1), await chunk(2)];
    await call("put", first);
    await expect(call("put", second)).rejects.toMatchObject({ code: "QUOTA" });
    expect(await call("has", { hashes: concat(first.hash, second.hash) })).toEqual(Uint8Array.of(1, 0));
    await call("delete", { hashes: first.hash });
    await call("put", second);
  });

  it("fails an add that finds no room", async () => {
    const call = await opened(150);
    const seal = (index: number) => call("seal", { add: 1, key: KEY, index, plain: new Uint8Array(50).fill(index) });
    await expect(Promise.all([seal(0), seal(1), seal(2)])).rejects.toMatchObject({ code: "QUOTA" });
    await call("endAdd", { add: 1, keep: false });
    expect(await call("usage", null)).toEqual({ usedBytes: 0 });
  });

  it("finds out that a chunk is not what its hash says, and forgets it", async () => {
    const call = await opened();
    const { body } = await chunk(1);
    const { hash } = await chunk(2);
    await call("put", { hash, body });
    await expect(call("get", { hash, buffer: null })).rejects.toMatchObject({ code: "DAMAGED" });
    expect(await call("has", { hashes: hash })).toEqual(Uint8Array.of(0));
  });

  it("opens what it sealed, and gives null for what is not there", async () => {
    const call = await opened();
    const plain = new Uint8Array(50).fill(3);
    const { hash, buffer } = await call("seal", { add: 1, key: KEY, index: 4, plain });
    expect(buffer).toBe(plain.buffer);
    expect(await call("usage", null)).toEqual({ usedBytes: 50 + TAG_BYTES });
    expect(await call("openChunk", { hash, key: KEY, index: 4, wait: null })).toEqual(new Uint8Array(50).fill(3));
    expect(await call("openChunk", { hash: new Uint8Array(32), key: KEY, index: 0, wait: null })).toBeNull();
  });

  it("opens a chunk as soon as it is put, for whoever waits for it", async () => {
    const call = await opened();
    const [first, second] = [await chunk(1), await chunk(2)];
    const open = (hash: Bytes, wait: number) => call("openChunk", { hash, key: null, index: 0, wait });
    const opening = Promise.all([open(first.hash, 1), open(second.hash, 2), open(first.hash, 3)]);
    await call("put", second);
    await call("put", first);
    expect(await opening).toEqual([first.body, second.body, first.body]);
    expect(await open(first.hash, 4)).toEqual(first.body);
  });

  it("tells whoever waits that what was put is not what the key opens", async () => {
    const call = await opened();
    const other = await opened();
    const { hash } = await other("seal", { add: 1, key: KEY, index: 0, plain: new Uint8Array(5) });
    const body = await other("get", { hash, buffer: null });
    const opening = call("openChunk", { hash, key: new Uint8Array(32), index: 0, wait: 1 });
    const refused = expect(opening).rejects.toMatchObject({ code: "WRONG_KEY" });
    await call("put", { hash, body });
    await refused;
    expect(await call("openChunk", { hash, key: KEY, index: 0, wait: null })).toEqual(new Uint8Array(5));
  });

  it("gives null to whoever waits no more, and when it is closed", async () => {
    const call = await opened();
    const open = (wait: number) => call("openChunk", { hash: new Uint8Array(32), key: null, index: 0, wait });
    const opening = [open(1), open(2)];
    await call("endWait", { wait: 1 });
    await call("endWait", { wait: 9 });
    expect(await opening[0]).toBeNull();
    await call("close", null);
    expect(await opening[1]).toBeNull();
  });

  it("tells a wrong key or place from a damaged chunk", async () => {
    const call = await opened();
    const { hash } = await call("seal", { add: 1, key: KEY, index: 0, plain: new Uint8Array(5) });
    await expect(call("openChunk", { hash, key: new Uint8Array(32), index: 0, wait: null })).rejects.toMatchObject({ code: "WRONG_KEY" });
    await expect(call("openChunk", { hash, key: KEY, index: 1, wait: null })).rejects.toMatchObject({ code: "WRONG_KEY" });
    const damaged = await chunk(8);
    await call("put", { hash: damaged.hash, body: new Uint8Array(100) });
    await expect(call("openChunk", { hash: damaged.hash, key: KEY, index: 0, wait: null })).rejects.toMatchObject({ code: "DAMAGED" });
  });

  it("deletes what a failed add stored, but not what was there before or another add needs", async () => {
    const call = await opened();
    const seal = (add: number, fill: number) => call("seal", { add, key: null, index: 0, plain: new Uint8Array(10).fill(fill) });
    const { hash: before } = await seal(1, 1);
    await call("endAdd", { add: 1, keep: true });
    await seal(2, 1);
    const { hash: shared } = await seal(2, 2);
    await seal(3, 2);
    const { hash: alone } = await seal(2, 3);
    await call("endAdd", { add: 2, keep: false });
    expect(await call("has", { hashes: concat(before, shared, alone) })).toEqual(Uint8Array.of(1, 1, 0));
  });

  it("keeps what a running add stored when all else is swept", async () => {
    const call = await opened();
    const { hash, body } = await chunk(1);
    const orphan = await chunk(2);
    await call("put", { hash, body });
    await call("put", orphan);
    const { hash: adding } = await call("seal", { add: 1, key: KEY, index: 0, plain: new Uint8Array(5) });
    await call("retain", { hashes: hash });
    expect(await call("has", { hashes: concat(hash, orphan.hash, adding) })).toEqual(Uint8Array.of(1, 0, 1));
  });

  it("exports a whole content in order, and fails if a chunk is missing", async () => {
    const call = await opened();
    const hashes: Bytes[] = [];
    for (let index = 0; index < 3; index++) {
      hashes.push((await call("seal", { add: 1, key: KEY, index, plain: Uint8Array.of(index, index) })).hash);
    }
    const blob = await call("export", { export: 1, hashes: concat(...hashes), key: KEY, toFile: true });
    expect(new Uint8Array(await blob.arrayBuffer())).toEqual(Uint8Array.of(0, 0, 1, 1, 2, 2));
    await call("delete", { hashes: hashes[1] ?? new Uint8Array() });
    await expect(call("export", { export: 2, hashes: concat(...hashes), key: KEY, toFile: true })).rejects.toMatchObject({ code: "IO" });
  });

  it("writes and deletes records together", async () => {
    const call = await opened();
    const record = (key: string) => ({ key, value: Uint8Array.of(key.length) });
    await call("applyRecords", { puts: [record("a"), record("bb")], deletes: [] });
    await call("applyRecords", { puts: [record("ccc")], deletes: ["a", "none"] });
    expect(await call("loadRecords", null)).toEqual([record("bb"), record("ccc")]);
  });

  it("refuses everything once it is closed", async () => {
    const call = await opened();
    await call("close", null);
    await expect(call("usage", null)).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });
});
