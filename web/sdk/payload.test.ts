import { describe, expect, it } from "vitest";

import { SwarmError } from "./errors.ts";
import { pack, packName, unpack } from "./payload.ts";

const name = packName("chat");

describe("payloads", () => {
  it("come back as they were", () => {
    for (const data of [null, true, 1.5, "hé", [1, [2]], { a: { b: [null] } }]) {
      expect(unpack(pack(name, data))).toEqual({ channel: "chat", data });
    }
    const bytes = Uint8Array.of(0, 1, 255);
    expect(unpack(pack(name, bytes))).toEqual({ channel: "chat", data: bytes });
    expect(unpack(pack(name, bytes.buffer))).toEqual({ channel: "chat", data: bytes });
  });

  it("have these bytes", () => {
    expect([...pack(packName("c"), { a: 1 })]).toEqual([0, 1, 99, 123, 34, 97, 34, 58, 49, 125]);
    expect([...pack(packName("c"), Uint8Array.of(7))]).toEqual([1, 1, 99, 7]);
  });

  it("of another kind, cut off or not JSON are nothing", () => {
    for (const bytes of [[], [0], [0, 9, 99], [2, 1, 99, 1], [0, 1, 99, 123], [0, 1, 255, 49]]) {
      expect(unpack(Uint8Array.from(bytes))).toBeNull();
    }
  });

  it("refuse what can't be sent", () => {
    const loop: { self?: unknown } = {};
    loop.self = loop;
    for (const data of [undefined, () => 1, loop, new Blob(["x"]), new Float32Array(2), 1n]) {
      expect(() => pack(name, data as never)).toThrow(SwarmError);
    }
    expect(() => packName("")).toThrow(SwarmError);
    expect(() => packName("x".repeat(256))).toThrow(SwarmError);
  });
});
