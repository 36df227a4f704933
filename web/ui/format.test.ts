import { describe, expect, test } from "vitest";
import { cleanName, formatBytes, formatClock, formatCount, formatDuration, formatPercent, formatRate, formatRtt, formatRttSpread, fraction, shortId } from "./format.ts";

/** The tests write plain spaces where the text has non-breaking ones. */
const plain = (text: string): string => text.replace(/\u00a0/gu, " ");

describe("formatBytes", () => {
  test.each([
    [0, "0 B"], [1, "1 B"], [999, "999 B"], [1000, "1.0 kB"], [1536, "1.5 kB"], [99_949, "99.9 kB"], [99_950, "100 kB"],
    [999_499, "999 kB"], [999_600, "1.0 MB"], [12_400_000, "12.4 MB"], [1_073_741_824, "1.1 GB"], [5e18, "5000 PB"],
    [-3, "0 B"], [Number.NaN, "0 B"], [Number.POSITIVE_INFINITY, "0 B"],
  ])("%d bytes read %s", (bytes, text) => expect(plain(formatBytes(bytes))).toBe(text));

  test("a rate is bytes per second", () => expect(plain(formatRate(12_400_000))).toBe("12.4 MB/s"));
});

describe("formatDuration", () => {
  test.each([
    [0, "under 1 s"], [400, "under 1 s"], [1000, "1 s"], [59_400, "59 s"], [59_600, "1 min"], [200_000, "3 min 20 s"],
    [660_000, "11 min"], [3_600_000, "1 h"], [7_500_000, "2 h 5 min"], [259_200_000, "3 days"],
    [-1, "unknown"], [Number.POSITIVE_INFINITY, "unknown"],
  ])("%d ms read %s", (ms, text) => expect(plain(formatDuration(ms))).toBe(text));
});

describe("formatRtt", () => {
  test.each([[null, "–"], [0.29, "<1 ms"], [34.4, "34 ms"], [1234, "1.2 s"]])("%s reads %s", (ms, text) =>
    expect(plain(formatRtt(ms))).toBe(text));
});

test("a round trip is told with how far others are from it, once both are known", () => {
  expect(plain(formatRttSpread(34.4, 3))).toBe("34 ms ± 3 ms");
  expect(plain(formatRttSpread(34.4, null))).toBe("34 ms");
  expect(plain(formatRttSpread(null, null))).toBe("–");
});

test("100 % means complete, not nearly", () => {
  expect(plain(formatPercent(999, 1000))).toBe("99 %");
  expect(plain(formatPercent(1000, 1000))).toBe("100 %");
  expect(plain(formatPercent(0, 0))).toBe("0 %");
});

test("a fraction stays within 0 and 1", () => {
  expect(fraction(5, 10)).toBe(0.5);
  expect(fraction(20, 10)).toBe(1);
  expect(fraction(-1, 10)).toBe(0);
  expect(fraction(1, Number.NaN)).toBe(0);
});

test("a count agrees with its noun", () => {
  expect(plain(formatCount(1, "peer"))).toBe("1 peer");
  expect(plain(formatCount(0, "peer"))).toBe("0 peers");
  expect(plain(formatCount(2, "copy", "copies"))).toBe("2 copies");
});

test("a time of day has milliseconds", () => {
  expect(formatClock(new Date(2026, 10, 20, 9, 4, 7, 25).getTime())).toBe("09:04:07.025");
});

test("a short id is the start of the id", () => expect(shortId("0123456789abcdef")).toBe("01234567"));

describe("cleanName", () => {
  test("a direction override can't disguise an extension", () => expect(cleanName("photo\u202egpj.exe")).toBe("photo gpj.exe"));
  test("line breaks and control characters become one space", () => expect(cleanName(" a\r\n\u0000b ")).toBe("a b"));
  test("nothing left is Unnamed", () => expect(cleanName("\u200b\n")).toBe("Unnamed"));
  test("a long name keeps its start and its extension", () => {
    const name = cleanName(`${"x".repeat(500)}.tar.gz`);
    expect(name.length).toBeLessThanOrEqual(200);
    expect(name.endsWith(".tar.gz")).toBe(true);
  });
});
