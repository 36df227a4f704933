import { describe, expect, it } from "vitest";

import { decodeTable, encodeRecord, RECORD_BYTES } from "./slot-table.ts";

const HASH = "00112233445566778899aabbccddeeff".repeat(2);

function table(...records: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(records.length * RECORD_BYTES);
  records.forEach((record, slot) => bytes.set(record, slot * RECORD_BYTES));
  return bytes;
}

describe("the slot table", () => {
  it("has these bytes", () => {
    const record = encodeRecord(3, HASH, 262_144);
    expect(Buffer.from(record).toString("hex")).toBe(`${HASH}00000400028bde3d${"00".repeat(24)}`);
  });

  it("gives back what was written, and passes over free slots", () => {
    const free = new Uint8Array(RECORD_BYTES);
    const { records, broken } = decodeTable(table(encodeRecord(0, HASH, 1), free, encodeRecord(2, "f".repeat(64), 262_144)));
    expect(records).toEqual([
      { slot: 0, hash: HASH, bytes: 1 },
      { slot: 2, hash: "f".repeat(64), bytes: 262_144 },
    ]);
    expect(broken).toEqual([]);
  });

  it("finds out a record of which any byte is wrong", () => {
    for (let at = 0; at < 40; at++) {
      const record = encodeRecord(0, HASH, 100);
      record[at] = (record[at] ?? 0) ^ 0x10;
      expect(decodeTable(table(record))).toEqual({ records: [], broken: [0] });
    }
  });

  it("finds out a record that belongs to another slot, and one of no bytes", () => {
    expect(decodeTable(table(encodeRecord(1, HASH, 100)))).toEqual({ records: [], broken: [0] });
    expect(decodeTable(table(encodeRecord(0, HASH, 0)))).toEqual({ records: [], broken: [0] });
  });

  it("takes the beginning of a record for none", () => {
    const cut = table(encodeRecord(0, HASH, 5), encodeRecord(1, HASH, 5)).subarray(0, 2 * RECORD_BYTES - 1);
    expect(decodeTable(cut).records.map(({ slot }) => slot)).toEqual([0]);
    expect(decodeTable(new Uint8Array())).toEqual({ records: [], broken: [] });
  });
});
