/** What the address of the page asks for. All of it is optional, and all of it is somebody's input. */

import { inRoom, roomIn, withoutRoom } from "./place.ts";

/** The namespace of the app itself; tests take one each so that they never meet. */
const APP_DEFAULT = "peerloom";

/** As the SDK has it: the longest namespace and profile, in characters. */
const NAME_CHARS_MAX = 64;

/** More direct connections than Chromium allows in one process. */
const CONNECTIONS_MAX = 500;

const LINK_PREFIX = "#peerloom=";

export interface Params {
  readonly app: string;
  readonly profile: string | undefined;
  readonly maxConnections: number | undefined;
  /** `?p2p=on`: on for this visit, whatever is remembered. */
  readonly p2p: boolean;
}

/** Reads `?app=`, `?profile=`, `?maxConnections=` and `?p2p=on`; what makes no sense counts as absent. */
export function readParams(search: string): Params {
  const query = new URLSearchParams(search);
  const connections = Number(query.get("maxConnections") ?? Number.NaN);
  const fits = Number.isInteger(connections) && connections >= 1 && connections <= CONNECTIONS_MAX;
  return {
    app: name(query.get("app")) ?? APP_DEFAULT,
    profile: name(query.get("profile")),
    maxConnections: fits ? connections : undefined,
    p2p: query.get("p2p") === "on",
  };
}

/** Returns the share link in a URL's fragment, or null if it holds none. Whether the link is sound, the SDK decides. */
export function linkIn(hash: string): string | null {
  const rest = withoutRoom(hash);
  return rest.startsWith(LINK_PREFIX) && rest.length > LINK_PREFIX.length ? rest : null;
}

/** Returns the address that opens a share link: this page without what belongs to this tab alone. */
export function shareUrl(page: URL, link: string): string {
  const url = pageFor(page);
  url.hash = inRoom(roomIn(page.hash), link);
  return url.href;
}

/** Returns this page's address for another tab, which needs a profile of its own; or for somebody else, if it is a room's. */
export function pageFor(page: URL): URL {
  const url = new URL(page.href);
  url.searchParams.delete("profile");
  url.searchParams.delete("p2p");
  url.hash = inRoom(roomIn(page.hash), "");
  return url;
}

function name(text: string | null): string | undefined {
  return text !== null && text.length >= 1 && text.length <= NAME_CHARS_MAX ? text : undefined;
}
