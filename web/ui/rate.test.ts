import { expect, test } from "vitest";
import { RateMeter } from "./rate.ts";

test("one sample is no rate", () => {
  const meter = new RateMeter();
  meter.sample(1000, 0);
  expect(meter.perSecond(0)).toBe(0);
});

test("a steady counter gives its rate, however long it ran", () => {
  const meter = new RateMeter();
  for (let at = 0; at <= 60_000; at += 100) meter.sample(at * 5, at);
  expect(meter.perSecond(60_000)).toBeCloseTo(5000);
});

test("a stall lets the rate fall and then be nothing", () => {
  const meter = new RateMeter();
  meter.sample(0, 0);
  meter.sample(1000, 1000);
  expect(meter.perSecond(2000)).toBeCloseTo(500);
  expect(meter.perSecond(9000)).toBe(0);
});

test("a counter that was reset starts a new rate", () => {
  const meter = new RateMeter();
  meter.sample(9000, 0);
  meter.sample(0, 100);
  meter.sample(100, 1100);
  expect(meter.perSecond(1100)).toBeCloseTo(100);
});
