/**
 * Where in the app one is, as the fragment of the address says it: `#/log` is a page, `#peerloom=…` a share link, and before either
 * may be a room: `#room=<secret>/log`, `#room=<secret>&peerloom=…`. Browsers send fragments to nobody, so the secret stays with those
 * who were given the link.
 */

/** 128 random bits, which nobody guesses: whoever knows them is in the room. */
const SECRET_BYTES = 16;

const ROOM = /^#room=([A-Za-z0-9_-]{22})(?=$|[/&])/;

/** As the SDK has it: the longest namespace, in characters. */
const NAME_CHARS_MAX = 64;

/** Returns the secret of the room in a fragment; null if it names none. */
export function roomIn(hash: string): string | null {
  return ROOM.exec(hash)?.[1] ?? null;
}

/** Returns a fragment without its room. */
export function withoutRoom(hash: string): string {
  const rest = hash.replace(ROOM, "");
  return rest === hash || rest === "" ? rest : `#${rest.replace(/^&/, "")}`;
}

/** Returns a fragment in a room, or as it is without one. */
export function inRoom(room: string | null, hash: string): string {
  if (room === null) return hash;
  const rest = hash.slice(1);
  return `#room=${room}${rest === "" || rest.startsWith("/") ? rest : `&${rest}`}`;
}

/** Returns the address of a page of the app, in the room that one is in. */
export function here(hash: string): string {
  return inRoom(roomIn(location.hash), hash);
}

export function newRoom(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Returns the namespace of a room, which has its secret in it: who does not know the one finds nobody of the other. */
export function namespaceOf(app: string, room: string | null): string {
  return room === null ? app : `room ${room} ${app}`.slice(0, NAME_CHARS_MAX);
}
