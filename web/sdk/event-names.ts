/** The names of all events of a swarm, for those that listen to everything: types are gone when programs run. */

import type { SwarmEvents } from "./types.ts";

export const EVENT_NAMES = [
  "status",
  "peer:discover",
  "peer:connect",
  "peer:update",
  "peer:disconnect",
  "peer:lose",
  "connect:failed",
  "content:available",
  "content:update",
  "content:remove",
  "content:progress",
  "content:upload",
  "security",
  "close",
] as const satisfies readonly (keyof SwarmEvents)[];
