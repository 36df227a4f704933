import { expect, test } from "vitest";
import type { Bytes } from "./bytes.ts";
import { PeerKey, Verifier } from "./identity.ts";

const bytes = (hex: string): Bytes => Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
const verifier = new Verifier();
const text = (value: string): Bytes => new TextEncoder().encode(value);

// The vector that the native twin is tested with too (`crates/crypto/src/curve.rs`).
const PUBLIC_KEY = bytes(
  "043ad3861a95621392516bb593ef05583ed2e5866f5cb6260a3017237fd89b90af" +
    "d0961c7e37075a6791a39c61f56295b02b6d26567b615e60aa41ee1c8e83388d",
);
const SIGNATURE = bytes(
  "1c4a959778a565e102effdb726b5a609ea4ed5558f392b3ab197d26d80dd889f" +
    "2f20d8635a4e06574a6b5f0882ce3b569468467fd44b9430a3d42f723829aa1e",
);

test("the shared vector holds, and nothing else does", async () => {
  expect(await verifier.verify(PUBLIC_KEY, text("peerloom"), SIGNATURE)).toBe(true);
  expect(await verifier.verify(PUBLIC_KEY, text("peerloom!"), SIGNATURE)).toBe(false);
  expect(await verifier.verify(PUBLIC_KEY, text("peerloom"), SIGNATURE.slice().fill(1))).toBe(false);
});

test("what a key signs holds for its public half", async () => {
  const [key, other] = [await PeerKey.generate(), await PeerKey.generate()];
  const signature = await key.sign(text("hello"));
  expect(signature).toHaveLength(64);
  expect(await verifier.verify(key.publicKey, text("hello"), signature)).toBe(true);
  expect(await verifier.verify(other.publicKey, text("hello"), signature)).toBe(false);
});

test("what is no point on the curve is no key", async () => {
  await expect(verifier.verify(new Uint8Array(65).fill(4), text(""), SIGNATURE)).rejects.toThrow();
});
