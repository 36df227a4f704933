import { describe, expect, it } from "vitest";

import { checkRecords, SLOT_BYTES } from "./chunk-file.ts";
import type { SlotRecord } from "./slot-table.ts";

const record = (slot: number, hash: string, bytes: number): SlotRecord => ({ slot, hash, bytes });

/** Gives the hashes that stay and the slots that are dropped. */
function check(records: readonly SlotRecord[], fileBytes: number, stay: string[], dropped: number[]): void {
  const checked = checkRecords(records, fileBytes);
  expect(checked.sound.map(({ hash }) => hash)).toEqual(stay);
  expect(checked.dropped).toEqual(dropped);
}

describe("the records of the chunk file", () => {
  const whole = [record(0, "first", SLOT_BYTES), record(1, "second", 10)];

  it("stay while the file is whole", () => check(whole, SLOT_BYTES + 10, ["first", "second"], []));

  it("are dropped past the end of a file that was cut, by a byte or by all", () => {
    check(whole, SLOT_BYTES + 9, ["first"], [1]);
    check(whole, 0, [], [0, 1]);
  });

  it("are dropped if another slot holds the chunk, or no slot can", () => {
    check([record(1, "first", 10), record(2, "first", 10)], 9 * SLOT_BYTES, ["first"], [2]);
    check([record(1, "long", SLOT_BYTES + 1)], 9 * SLOT_BYTES, [], [1]);
  });
});
