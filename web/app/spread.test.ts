import { expect, test } from "vitest";

import { median, spread } from "./spread.ts";

test("the median leaves out what is not measured", () => {
  expect(median([])).toBeNull();
  expect(median([null, null])).toBeNull();
  expect(median([30, null, 10])).toBe(20);
  expect(median([30, 10, 500])).toBe(30);
});

test("a spread has its middle and its ends, and nothing measured has none", () => {
  expect(spread([])).toBeNull();
  expect(spread([5])).toEqual({ count: 1, median: 5, min: 5, max: 5 });
  expect(spread([9, 1, 4, 2])).toEqual({ count: 4, median: 3, min: 1, max: 9 });
});
