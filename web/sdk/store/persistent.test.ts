import { describe, expect, it } from "vitest";

import { SLOT_BYTES } from "./chunk-file.ts";
import type { ChunkEntry } from "./database.ts";
import { checkIndex } from "./persistent.ts";

/** Gives the hashes that stay and those that are dropped. */
function check(index: readonly (readonly [string, unknown])[], fileBytes: number | null, stay: string[], dropped: string[]): void {
  const sound = checkIndex(index as readonly (readonly [string, ChunkEntry])[], fileBytes);
  expect([...sound.entries.keys()]).toEqual(stay);
  expect(sound.dropped).toEqual(dropped);
}

describe("the index of the chunk file", () => {
  const first = ["first", { slot: 0, bytes: SLOT_BYTES }] as const;
  const second = ["second", { slot: 1, bytes: 10 }] as const;
  const inDatabase = ["inDatabase", { slot: null, bytes: 10 }] as const;

  it("stays whole while the file is", () => {
    check([first, second, inDatabase], SLOT_BYTES + 10, ["first", "second", "inDatabase"], []);
  });

  it("loses what is past the end of a file that was cut, by a byte or by all", () => {
    check([first, second, inDatabase], SLOT_BYTES + 9, ["first", "inDatabase"], ["second"]);
    check([first, second, inDatabase], 0, ["inDatabase"], ["first", "second"]);
  });

  it("is left alone, unseen, while there is no file to be had", () => {
    check([first, second, inDatabase], null, ["inDatabase"], []);
  });

  it("loses the second of two entries for one slot", () => {
    check([second, ["other", { slot: 1, bytes: 5 }]], 2 * SLOT_BYTES, ["second"], ["other"]);
  });

  it("loses entries that make no sense", () => {
    const broken = [null, 7, {}, { slot: -1, bytes: 1 }, { slot: 0.5, bytes: 1 }, { slot: 2, bytes: 0 }, { slot: 2, bytes: SLOT_BYTES + 1 }];
    const index = broken.map((entry, i) => [String(i), entry] as const);
    check(index, 9 * SLOT_BYTES, [], ["0", "1", "2", "3", "4", "5", "6"]);
  });
});
