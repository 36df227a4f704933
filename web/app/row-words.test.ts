import { expect, test } from "vitest";

import type { PeerId } from "../sdk/index.ts";
import type { Activity, Entry } from "./entry.ts";
import { rowWords } from "./row-words.ts";

function words(activity: Activity, entry: Partial<Entry> = {}): string {
  const whole: Entry = {
    key: "k", id: null, name: "a.png", mime: "image/png", kind: "image", type: "PNG image", bytes: 12_400_000,
    encrypted: true, providers: 2, activity, sending: null, ...entry,
  };
  return rowWords(whole).replace(/\u00a0/gu, " ");
}

const HALF = { doneBytes: 6_200_000, totalBytes: 12_400_000 };

test("a download tells its share, rate, time left and sources", () => {
  expect(words({ state: "fetching", ...HALF, perSecond: 3_100_000, sources: 2, off: false })).toBe("50 % of 12.4 MB · 3.1 MB/s · 2 s left · 2 sources");
});

test("a download that stands still says what it waits for", () => {
  const still = { state: "fetching", ...HALF, perSecond: 0, sources: 0 } as const;
  expect(words({ ...still, off: true })).toBe("50 % of 12.4 MB · goes on when P2P is on");
  expect(words({ ...still, off: false }, { providers: 0 })).toBe("50 % of 12.4 MB · waits for a peer that has it");
});

test("an upload tells to whom it goes", () => {
  const sending = { peers: ["0123456789" as PeerId], ...HALF, perSecond: 6_200_000 };
  expect(words({ state: "complete" }, { sending })).toBe("Sending to 01234567 · 50 % · 6.2 MB/s · 1 s left");
  expect(words({ state: "complete" }, { sending: { ...sending, peers: ["a" as PeerId, "b" as PeerId], perSecond: 0 } })).toBe("Sending to 2 peers · 50 %");
});

test("what is at rest tells where it is", () => {
  expect(words({ state: "available" })).toBe("12.4 MB · PNG image · from 2 peers");
  expect(words({ state: "complete" })).toBe("On this device · 12.4 MB · PNG image · also at 2 peers");
  expect(words({ state: "complete" }, { providers: 0 })).toBe("On this device · 12.4 MB · PNG image");
  expect(words({ state: "paused", ...HALF })).toBe("Paused · 50 % of 12.4 MB");
});
