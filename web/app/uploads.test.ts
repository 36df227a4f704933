import { expect, test } from "vitest";
import type { ContentId, PeerId, Upload } from "../sdk/index.ts";
import { Uploads } from "./uploads.ts";

const FILE = "f1" as ContentId;
const upload = (peer: string, sentBytes: number): Upload => ({ id: FILE, peer: peer as PeerId, sentBytes, totalBytes: 1000 });

test("uploads of one content are added up", () => {
  const uploads = new Uploads();
  uploads.note(upload("a", 0), 0);
  uploads.note(upload("a", 100), 1000);
  uploads.note(upload("b", 300), 1000);
  expect(uploads.of(FILE, 1000)).toEqual({ peers: ["a", "b"], doneBytes: 400, totalBytes: 2000, perSecond: 100 });
});

test("an upload ends with its last byte", () => {
  const uploads = new Uploads();
  uploads.note(upload("a", 999), 0);
  uploads.note(upload("a", 1000), 1);
  expect(uploads.of(FILE, 1)).toBeNull();
  expect(uploads.any).toBe(false);
});

test("an upload that fell silent ends too", () => {
  const uploads = new Uploads();
  uploads.note(upload("a", 10), 0);
  uploads.note(upload("b", 10), 2000);
  expect(uploads.sweep(3500)).toEqual([FILE]);
  expect(uploads.of(FILE, 3500)?.peers).toEqual(["b"]);
});
