import { expect, test } from "vitest";
import { inRoom, namespaceOf, newRoom, roomIn, withoutRoom } from "./place.ts";

const ROOM = "AAECAwQFBgcICQoLDA0ODw";

test.each([
  ["", ""],
  ["#/log", `/log`],
  ["#peerloom=abc.def", "&peerloom=abc.def"],
])("%s is the same place in a room", (hash, suffix) => {
  expect(inRoom(ROOM, hash)).toBe(`#room=${ROOM}${suffix}`);
  expect(roomIn(inRoom(ROOM, hash))).toBe(ROOM);
  expect(withoutRoom(inRoom(ROOM, hash))).toBe(hash);
  expect(inRoom(null, hash)).toBe(hash);
  expect(withoutRoom(hash)).toBe(hash);
});

test.each(["", "#/log", "#room=", "#room=short", `#room=${ROOM}x`, `#/room=${ROOM}`])("%s names no room", (hash) => {
  expect(roomIn(hash)).toBeNull();
});

test("each room is another one, and its namespace holds all of its secret", () => {
  const [one, other] = [newRoom(), newRoom()];
  expect(one).not.toBe(other);
  expect(roomIn(`#room=${one}`)).toBe(one);
  expect(namespaceOf("peerloom", one)).toContain(one);
  expect(namespaceOf("a".repeat(64), one)).toHaveLength(64);
  expect(namespaceOf("a".repeat(64), one)).toContain(one);
  expect(namespaceOf("peerloom", null)).toBe("peerloom");
});
