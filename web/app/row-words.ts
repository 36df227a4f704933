import { formatBytes, formatCount, formatDuration, formatPercent, formatRate, shortId } from "../ui/format.ts";
import type { Entry } from "./entry.ts";
import type { Sending } from "./uploads.ts";

/** The second line of a row: what is true of the file now, in the order in which people ask. */
export function rowWords(entry: Entry): string {
  const { activity } = entry;
  const size = formatBytes(entry.bytes);
  switch (activity.state) {
    case "queued":
      return join(size, "waits for its turn to be added");
    case "adding":
      return join(`Adding, ${share(activity)}`, ...pace(activity));
    case "looking":
      return activity.off
        ? "Turn on P2P to look for it"
        : "Looking for it: nobody who is connected has it yet. Keep the page open where it was shared.";
    case "available":
      return join(size, entry.type, entry.providers === 0 ? "only parts of it are at peers now" : `from ${formatCount(entry.providers, "peer")}`);
    case "partial":
      return join("Partly on this device", size, entry.type, sources(entry.providers));
    case "fetching":
      if (activity.off) return join(share(activity), "goes on when P2P is on");
      if (entry.providers === 0 && activity.sources === 0) return join(share(activity), "waits for a peer that has it");
      return join(share(activity), ...pace(activity), sources(Math.max(1, activity.sources)));
    case "paused":
      return join("Paused", activity.doneBytes > 0 ? share(activity) : size);
    case "failed":
      return activity.text;
    case "complete":
      if (entry.sending !== null) return sendingWords(entry.sending);
      return join("On this device", size, entry.type, entry.providers === 0 ? "" : `also at ${formatCount(entry.providers, "peer")}`);
    case "gone":
      return "No longer available: whoever had it has left";
  }
}

function sendingWords(sending: Sending): string {
  const [first] = sending.peers;
  const to = sending.peers.length === 1 && first !== undefined ? shortId(first) : formatCount(sending.peers.length, "peer");
  return join(`Sending to ${to}`, formatPercent(sending.doneBytes, sending.totalBytes), ...pace(sending));
}

interface Pace {
  readonly doneBytes: number;
  readonly totalBytes: number;
  readonly perSecond: number;
}

function share({ doneBytes, totalBytes }: Omit<Pace, "perSecond">): string {
  return `${formatPercent(doneBytes, totalBytes)} of ${formatBytes(totalBytes)}`;
}

/** Rate and time left; nothing while nothing moves, because a time left of "unknown" tells nobody anything. */
function pace({ doneBytes, totalBytes, perSecond }: Pace): readonly string[] {
  if (perSecond < 1) return [];
  return [formatRate(perSecond), `${formatDuration(((totalBytes - doneBytes) / perSecond) * 1000)} left`];
}

function sources(count: number): string {
  return count === 0 ? "" : formatCount(count, "source");
}

function join(...parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join(" · ");
}
