/** What the counters of the person's own swarm hint at. Pure. */

import type { SwarmStats } from "../../sdk/index.ts";

export interface Hint {
  readonly counter: string;
  readonly count: number;
  /** `trouble` calls for something to be done; `note` is worth knowing when something else is wrong. */
  readonly tone: "trouble" | "note";
  readonly text: string;
}

/** In the order in which they are shown. Counters that are normal in a healthy swarm are not here. */
const HINTS: readonly (readonly [string, Hint["tone"], string])[] = [
  ["node.bugs", "trouble", "Broken invariants that were survived: a bug of Peerloom. Please report it with this report."],
  ["signal.bad_signature", "trouble", "Envelopes with a wrong signature were dropped: somebody forges, or something changes them on the way."],
  ["signal.unknown_version", "trouble", "Envelopes of another version were dropped: reload the tabs that have been open since before an update."],
  ["signal.malformed", "trouble", "Envelopes that make no sense were dropped: another version, or another program on the same channel."],
  ["signal.too_large", "note", "Envelopes over the size limit were dropped."],
  ["signal.expired", "note", "Envelopes of a run that began over 30 days ago, or is yet to begin, were dropped: the clock of one of the devices is wrong."],
  ["signal.overflow", "trouble", "Envelopes were dropped because too many came at once."],
  ["signal.unsigned", "trouble", "The browser refused to sign envelopes, so others don’t hear them."],
  ["signal.unsendable", "trouble", "Offers or answers were too large to send."],
  ["signal.banned", "note", "Envelopes of peers that you banned were dropped."],
  ["discovery.peers_evicted", "note", "Peers were forgotten to make room for others."],
  ["routing.undeliverable", "note", "Envelopes to peers that are not connected came back: nobody knew a way."],
  ["routing.rate_limited", "note", "Envelopes were not carried on because somebody sent too many."],
  ["pex.records_forged", "trouble", "Peers told of others with records that those did not sign."],
  ["pex.messages_refused", "trouble", "Peers broke the rules of telling whom they are connected to."],
  ["registry.loads_failed", "note", "What was remembered of peers could not be read: it was damaged, or a newer version wrote it."],
  ["registry.saves_failed", "note", "What is known of peers could not be stored: it may be forgotten when this tab is closed."],
  ["link.failures", "note", "Attempts to connect failed; the log says where."],
  ["link.restarts", "note", "Connections were lost for a moment and searched a new path: the network changed, or packets get lost."],
  ["link.frames_not_understood", "trouble", "Frames of a newer version arrived: reload this tab."],
  ["content.bodies_wrong", "trouble", "Chunks with a wrong hash arrived and were thrown away."],
  ["content.bodies_malformed", "trouble", "Peers broke the rules of transfers."],
  ["content.manifests_refused", "trouble", "Descriptions of files did not hold and were refused."],
  ["content.announcements_false", "trouble", "Peers offered files that are not what they said."],
  ["content.requests_stalled", "note", "Requests for chunks stayed unanswered and were sent elsewhere."],
  ["content.chunks_lost", "trouble", "Stored chunks are gone: the browser evicted them, or the disk lost them."],
  ["content.records_skipped", "trouble", "Stored records could not be read at the start."],
  ["content.store_failures", "trouble", "The storage failed: it may be full."],
  ["content.timers_late", "note", "This tab was so late that nobody else is blamed for it: it was hidden, asleep, or very busy."],
  ["trust.peers", "note", "Peers that misbehaved are remembered; several strikes lead to a ban."],
];

/** Returns what is not 0 and says something, trouble first. */
export function hintsIn(stats: SwarmStats): readonly Hint[] {
  const hints = HINTS.flatMap(([counter, tone, text]) => {
    const count = stats[counter] ?? 0;
    return count > 0 ? [{ counter, count, tone, text }] : [];
  });
  return [...hints.filter(({ tone }) => tone === "trouble"), ...hints.filter(({ tone }) => tone === "note")];
}
