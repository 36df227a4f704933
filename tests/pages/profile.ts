/** Gives tests the SDK's profiles and keys by themselves, as `window.claim` and `window.keyOf`. */

import { toHex } from "../../web/sdk/hex.ts";
import { PeerKey } from "../../web/sdk/identity.ts";
import { claimProfile, type Profile } from "../../web/sdk/profile.ts";

const APP = "profile-test";
const claimed = new Map<string, Profile>();

/** Claims a profile, for good unless it is released; gives its name. */
async function claim(name?: string): Promise<string> {
  const profile = await claimProfile(APP, name, {});
  claimed.set(profile.name, profile);
  addEventListener("pagehide", () => profile.markReleased());
  return profile.name;
}

/** The public key of a profile, and whether its private half can be read. */
async function keyOf(profile: string): Promise<{ publicKey: string; signatureBytes: number }> {
  const key = await PeerKey.load(APP, profile);
  return { publicKey: toHex(key.publicKey), signatureBytes: (await key.sign(new Uint8Array(10))).length };
}

declare global {
  interface Window {
    claim: typeof claim;
    release: (name: string) => void;
    keyOf: typeof keyOf;
  }
}

window.claim = claim;
window.release = (name) => claimed.get(name)?.release();
window.keyOf = keyOf;
