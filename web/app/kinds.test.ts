import { expect, test } from "vitest";
import { kindOf, previewable, typeWords } from "./kinds.ts";

test.each([
  ["image/png", "a.png", "image", "PNG image"],
  ["image/tiff", "a.tiff", "file", "TIFF image"],
  ["image/svg+xml", "a.svg", "image", "SVG image"],
  ["audio/mpeg", "a.mp3", "audio", "MP3 audio"],
  ["video/mp4", "a.mp4", "video", "MP4 video"],
  ["text/plain; charset=utf-8", "a.txt", "text", "Text"],
  ["application/json", "a.json", "text", "JSON"],
  ["application/zip", "a.zip", "archive", "ZIP archive"],
  ["application/pdf", "a.pdf", "file", "PDF"],
  ["", "main.rs", "text", "RS file"],
  ["application/octet-stream", "notes.md", "text", "MD file"],
  ["application/octet-stream", "blob", "file", "File"],
  ["application/x-thing", "a.iso", "file", "ISO file"],
])("%s (%s) is shown as %s and called %s", (mime, name, kind, words) => {
  expect(kindOf(mime, name)).toBe(kind);
  expect(typeWords(mime, name)).toBe(words);
});

test("what cannot be shown is not offered as a preview", () => {
  expect(previewable("archive")).toBe(false);
  expect(previewable("file")).toBe(false);
  expect(previewable("text")).toBe(true);
});
