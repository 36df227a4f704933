import type { PeerId } from "../sdk/index.ts";

/** An id as text: SHA-256 in lower-case hexadecimal. */
const PEER_ID_CHARS = 64;

export type ParsedPeerId =
  | { readonly ok: true; readonly id: PeerId }
  | { readonly ok: false; readonly problem: string };

/** Reads a peer id that a person typed or pasted; on failure the problem is a sentence for that person. */
export function parsePeerId(text: string, own: string): ParsedPeerId {
  // Ids get wrapped and capitalised on their way through mails and messengers.
  const id = text.replace(/\s+/gu, "").toLowerCase();
  if (id === "") return { ok: false, problem: "Paste the id that the other person copied." };
  const stranger = /[^0-9a-f]/u.exec(id)?.[0];
  if (stranger !== undefined) {
    return { ok: false, problem: `An id has only the digits 0–9 and the letters a–f; this has “${stranger}”.` };
  }
  if (id.length !== PEER_ID_CHARS) {
    return { ok: false, problem: `An id has ${PEER_ID_CHARS} characters; this has ${id.length}. Copy it whole.` };
  }
  if (id === own) return { ok: false, problem: "This is your own id. Paste the id of the other peer." };
  return { ok: true, id: id as PeerId };
}
