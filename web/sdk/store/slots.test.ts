import { describe, expect, it } from "vitest";

import { Slots } from "./slots.ts";

function taken(slots: Slots, count: number): number[] {
  return Array.from({ length: count }, () => slots.take());
}

describe("Slots", () => {
  it("gives slots from the front of an empty file", () => {
    expect(taken(new Slots(), 3)).toEqual([0, 1, 2]);
  });

  it("fills the gaps between taken ones first, lowest first", () => {
    const slots = new Slots([5, 1, 3]);
    expect(slots.end).toBe(6);
    expect(taken(slots, 5)).toEqual([0, 2, 4, 6, 7]);
  });

  it("gives released slots again, lowest first, whatever the order of release", () => {
    const slots = new Slots();
    taken(slots, 5);
    for (const slot of [3, 0, 4, 1]) {
      slots.release(slot);
    }
    expect(taken(slots, 5)).toEqual([0, 1, 3, 4, 5]);
  });

  it("trims free slots at the end only", () => {
    const slots = new Slots([0, 1, 2, 3, 4]);
    slots.release(4);
    slots.release(1);
    slots.release(3);
    expect(slots.trim()).toBe(3);
    expect(taken(slots, 2)).toEqual([1, 3]);
  });

  it("trims to nothing", () => {
    const slots = new Slots([0, 1]);
    slots.release(0);
    slots.release(1);
    expect(slots.trim()).toBe(0);
    expect(slots.take()).toBe(0);
  });

  it("never gives a slot twice", () => {
    const slots = new Slots([2, 7]);
    const held = new Set([2, 7]);
    let random = 1;
    for (let step = 0; step < 2_000; step++) {
      random = (random * 48_271) % 2_147_483_647;
      const victim = [...held][random % (held.size + 1)];
      if (victim === undefined || random % 3 !== 0) {
        const slot = slots.take();
        expect(held.has(slot)).toBe(false);
        held.add(slot);
      } else {
        held.delete(victim);
        slots.release(victim);
        if (random % 5 === 0) {
          expect(slots.trim()).toBe(Math.max(-1, ...held) + 1);
        }
      }
    }
  });
});
