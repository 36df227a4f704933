/**
 * Share links: `#peerloom=<content id>.<key>`, a URL fragment, which browsers never send to a server.
 *
 * The id is 64 hex digits; the key is 32 bytes in base64url without padding, and absent if the content is not encrypted.
 */

import type { Bytes } from "./bytes.ts";
import { SwarmError } from "./errors.ts";
import { isId } from "./hex.ts";
import type { ContentId, ShareLink } from "./types.ts";

const PREFIX = "#peerloom=";
const LINK = /^[0-9a-f]{64}(\.[A-Za-z0-9_-]{43})?$/;

/** What a link says. */
export interface LinkParts {
  readonly id: ContentId;
  readonly key: Bytes | null;
}

export function formatLink(id: ContentId, key: Uint8Array | null): ShareLink {
  return `${PREFIX}${id}${key === null ? "" : `.${toBase64Url(key)}`}` as ShareLink;
}

/** Reads a content id, a link, or an address that ends in one. Throws `BAD_INPUT` for anything else. */
export function parseLink(what: unknown): LinkParts {
  if (isId(what)) {
    return { id: what as ContentId, key: null };
  }
  const text = typeof what === "string" ? what.trim() : "";
  // In a room the link comes after the room's secret.
  const at = Math.max(text.lastIndexOf(PREFIX), text.lastIndexOf(`&${PREFIX.slice(1)}`));
  const link = at < 0 ? "" : text.slice(at + PREFIX.length);
  if (!LINK.test(link)) {
    throw new SwarmError("BAD_INPUT", "this is no share link and no content id: a link ends in #peerloom= and the content's id");
  }
  const [id, key] = link.split(".");
  return { id: id as ContentId, key: key === undefined ? null : fromBase64Url(key) };
}

function toBase64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function fromBase64Url(text: string): Bytes {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}
