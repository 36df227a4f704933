import { beforeEach, expect, test, vi } from "vitest";
import { JOURNAL_MAX, Journal, fieldTexts, filterJournal, journalJson } from "./journal.ts";

beforeEach(() => {
  vi.stubGlobal("requestAnimationFrame", (draw: () => void) => draw());
});

test("the oldest entries go first and numbers never repeat", () => {
  const journal = new Journal();
  for (let at = 0; at < JOURNAL_MAX + 10; at += 1) journal.note("info", "peer:connect", { id: "a" }, at);
  expect(journal.entries).toHaveLength(JOURNAL_MAX);
  expect(journal.entries[0]?.number).toBe(11);
  expect(journal.entries.at(-1)?.number).toBe(JOURNAL_MAX + 10);
});

test("progress is noted once a second for each content", () => {
  const journal = new Journal();
  for (let at = 0; at < 2500; at += 10) {
    journal.note("debug", "content:progress", { id: "a" }, at);
    journal.note("debug", "content:progress", { id: "b" }, at);
  }
  expect(journal.entries.map((entry) => [entry.at, entry.fields["id"]])).toEqual([
    [0, "a"], [0, "b"], [1000, "a"], [1000, "b"], [2000, "a"], [2000, "b"],
  ]);
});

test("cleared means empty, and numbers go on", () => {
  const journal = new Journal();
  journal.note("info", "close", {}, 1);
  journal.clear();
  expect(journal.entries).toEqual([]);
  journal.note("info", "close", {}, 2);
  expect(journal.entries[0]?.number).toBe(2);
});

test("entries are found by text and by kind", () => {
  const journal = new Journal();
  journal.note("warn", "connect:failed", { peer: "ABC", stage: "ice" }, 1);
  journal.note("info", "peer:connect", { id: "def" }, 2);
  const kinds = (text: string, kind = ""): string[] => filterJournal(journal.entries, text, kind).map((entry) => entry.kind);
  expect(kinds("")).toEqual(["connect:failed", "peer:connect"]);
  expect(kinds(" abc ")).toEqual(["connect:failed"]);
  expect(kinds("WARN")).toEqual(["connect:failed"]);
  expect(kinds("", "peer:connect")).toEqual(["peer:connect"]);
  expect(kinds("abc", "peer:connect")).toEqual([]);
});

test("fields read as words and leave out what is empty", () => {
  expect(fieldTexts({ peer: "a", hint: null, count: 0, list: [1] })).toEqual([["peer", "a"], ["count", "0"], ["list", "[1]"]]);
});

test("the JSON has times in ISO form", () => {
  const journal = new Journal();
  journal.note("info", "close", { a: 1 }, 0);
  expect(JSON.parse(journalJson(journal.entries))).toEqual([{ at: "1970-01-01T00:00:00.000Z", level: "info", kind: "close", fields: { a: 1 } }]);
});
