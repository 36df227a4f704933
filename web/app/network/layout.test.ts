import { expect, test } from "vitest";

import { Layout } from "./layout.ts";
import { graphOf } from "./model.ts";
import { OWN, peer, peers } from "../../ui/synthetic.ts";
import type { PeerInfo } from "../../sdk/index.ts";
import type { Placed } from "./viewport.ts";

function settle(layout: Layout): void {
  while (layout.step(Number.POSITIVE_INFINITY)) {
    // Until it is settled.
  }
}

function places(layout: Layout): ReadonlyMap<string, Placed> {
  return new Map(layout.places.map(({ id, x, y, radius }) => [id, { id, x, y, radius }]));
}

function waver(one: PeerInfo): PeerInfo {
  return { ...one, bytesIn: one.bytesIn + 1e6, rttMs: one.rttMs === null ? null : one.rttMs * 1.05 };
}

test("this peer is in the middle, and a longer round trip is farther away", () => {
  const layout = new Layout();
  const [near, far] = [peer(1, { state: "connected", rttMs: 2 }), peer(2, { state: "connected", rttMs: 400 })];
  layout.update(graphOf(OWN, [near, far]));
  settle(layout);
  const distance = (id: string): number => Math.hypot(layout.place(id)?.x ?? 0, layout.place(id)?.y ?? 0);
  expect(distance(OWN)).toBe(0);
  expect(distance(far.id)).toBeGreaterThan(distance(near.id) + 50);
});

test("the layout comes to rest, and nothing lies on anything else", () => {
  const layout = new Layout();
  layout.update(graphOf(OWN, peers(200)));
  settle(layout);
  expect(layout.settled).toBe(true);
  const all = [...layout.places];
  const overlaps = all.flatMap((a, index) => all.slice(index + 1).filter((b) => Math.hypot(a.x - b.x, a.y - b.y) < (a.radius + b.radius) * 0.9));
  expect(overlaps).toEqual([]);
});

test("numbers that change move nobody", () => {
  const layout = new Layout();
  const before = peers(50);
  layout.update(graphOf(OWN, before));
  settle(layout);
  const placesBefore = places(layout);
  layout.update(graphOf(OWN, before.map(waver)));
  expect(layout.settled).toBe(true);
  expect(places(layout)).toEqual(placesBefore);
});

test("one who joins or goes moves nobody else", () => {
  const layout = new Layout();
  const before = peers(50);
  layout.update(graphOf(OWN, before));
  settle(layout);
  const placesBefore = places(layout);
  layout.update(graphOf(OWN, [...before.slice(1), peer(900, { state: "connected", rttMs: 20 })]));
  settle(layout);
  for (const [id, place] of places(layout)) {
    const was = placesBefore.get(id);
    if (was !== undefined) expect({ x: place.x, y: place.y }).toEqual({ x: was.x, y: was.y });
  }
  expect(layout.place(before[0]?.id ?? "")).toBeNull();
});

test("while it is held nobody moves, and afterwards everybody goes where they belong", () => {
  const layout = new Layout();
  const one = peer(1, { state: "connected", rttMs: 2 });
  layout.update(graphOf(OWN, [one]));
  settle(layout);
  const was = places(layout).get(one.id);
  layout.hold(true);
  layout.update(graphOf(OWN, [{ ...one, rttMs: 900 }, peer(2)]));
  settle(layout);
  expect(places(layout).get(one.id)).toEqual(was);
  expect(layout.place(peer(2).id)).not.toBeNull();
  layout.hold(false);
  settle(layout);
  expect(Math.hypot(layout.place(one.id)?.x ?? 0, layout.place(one.id)?.y ?? 0)).toBeGreaterThan(Math.hypot(was?.x ?? 0, was?.y ?? 0) + 30);
});

test("the same peers are laid out alike whenever they come", () => {
  const [one, other] = [new Layout(), new Layout()];
  one.update(graphOf(OWN, peers(30)));
  other.update(graphOf(OWN, [...peers(30)].reverse()));
  settle(one);
  settle(other);
  expect(places(one)).toEqual(places(other));
});
