import { expect, test } from "vitest";
import { parsePeerId } from "./peer-id.ts";

const OWN = "ab".repeat(32);
const OTHER = "0f".repeat(32);

function problem(text: string): string {
  const parsed = parsePeerId(text, OWN);
  return parsed.ok ? "" : parsed.problem;
}

test("an id that was wrapped and capitalised on its way is read", () => {
  expect(parsePeerId(` ${OTHER.slice(0, 30).toUpperCase()}\n ${OTHER.slice(30)} `, OWN)).toEqual({ ok: true, id: OTHER });
});

test("what is not an id is told what is wrong with it", () => {
  expect(problem("  ")).toContain("Paste");
  expect(problem("hello")).toContain("“h”");
  expect(problem("abc")).toContain("this has 3");
  expect(problem(OWN)).toContain("own id");
});
