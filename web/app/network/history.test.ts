import { expect, test } from "vitest";

import { History, SAMPLES_MAX } from "./history.ts";
import { peer } from "../../ui/synthetic.ts";

const up = (n: number, bytesIn: number, rttMs: number | null = 10) => peer(n, { state: "connected", bytesIn, bytesOut: bytesIn / 2, rttMs });

test("rates come from the counters, for each peer and for all of them", () => {
  const history = new History();
  for (let second = 0; second <= 4; second += 1) history.sample([up(1, second * 1000), up(2, second * 3000)], second * 1000, second * 1000);
  expect(history.rates(peer(1).id)).toMatchObject({ inPerSecond: 1000, outPerSecond: 500 });
  expect(history.rates(null)).toMatchObject({ inPerSecond: 4000, outPerSecond: 2000 });
});

test("columns are of equal length, oldest first, and bounded", () => {
  const history = new History();
  for (let second = 0; second < SAMPLES_MAX + 20; second += 1) history.sample([up(1, 0, second)], second * 1000, second * 1000);
  const { at, rttMs, inPerSecond, outPerSecond } = history.series(peer(1).id);
  expect([at.length, rttMs.length, inPerSecond.length, outPerSecond.length]).toEqual(Array(4).fill(SAMPLES_MAX));
  expect(at[0]).toBe(20);
  expect(rttMs.at(-1)).toBe(SAMPLES_MAX + 19);
});

test("a peer that is forgotten and comes back with fresh counters makes no negative rate", () => {
  const history = new History();
  history.sample([up(1, 1_000_000)], 0, 0);
  history.sample([], 1000, 1000);
  history.sample([up(1, 0)], 2000, 2000);
  history.sample([up(1, 500)], 3000, 3000);
  expect(history.rates(null).inPerSecond).toBeGreaterThanOrEqual(0);
  expect(history.rates(null).inPerSecond).toBeLessThan(1000);
});

test("who was never connected has no history, and there is a bound to how many have one", () => {
  const history = new History();
  history.sample([peer(1)], 0, 0);
  expect(history.series(peer(1).id).at).toEqual([]);
  for (let n = 0; n < 600; n += 1) history.sample([up(n, 0)], n, n);
  expect(history.series(peer(0).id).at).toEqual([]);
  expect(history.series(peer(599).id).at).toHaveLength(1);
});

test("as many as can be connected at once all keep their history", () => {
  const history = new History();
  const all = Array.from({ length: 500 }, (_, n) => up(n, 0));
  for (let second = 0; second < 3; second += 1) history.sample(all, second * 1000, second * 1000);
  for (const { id } of all) expect(history.series(id).at).toHaveLength(3);
});
