/** The network addresses that a browser offers to peers, by their kind: never the addresses themselves. Pure. */

import { formatCount } from "../../ui/format.ts";
import type { Check } from "./findings.ts";

/** An address of this machine; the same behind a random name (mDNS); as the internet sees it (STUN); a relay's (TURN). */
export type CandidateKind = "host" | "mdns" | "srflx" | "relay";

const WORDS: Readonly<Record<CandidateKind, string>> = {
  host: "of this machine",
  mdns: "of this machine behind a random name (mDNS)",
  srflx: "as the internet sees it (STUN)",
  relay: "of a relay (TURN)",
};

/** Returns the kind of an ICE candidate (RFC 8839, section 5.1); null for the end of candidates and for what is none. */
export function candidateKind(candidate: string): CandidateKind | null {
  const fields = candidate.split(" ");
  const [address, type] = [fields[4] ?? "", fields[fields.indexOf("typ") + 1] ?? ""];
  switch (type) {
    case "host":
      return address.endsWith(".local") ? "mdns" : "host";
    // Learned from a peer's check instead of a server's answer: the same address.
    case "srflx":
    case "prflx":
      return "srflx";
    case "relay":
      return "relay";
    default:
      return null;
  }
}

/** Returns what the addresses mean for connecting. */
export function candidatesCheck(kinds: readonly CandidateKind[], rtc: RTCConfiguration): Check {
  const name = "Network addresses";
  const isRelayed = rtc.iceTransportPolicy === "relay";
  if (kinds.length === 0) {
    const text = isRelayed
      ? "Only relays may be used (iceTransportPolicy), and no relay gave an address: nobody can be reached."
      : "The browser offers no network address, so nobody can be reached. WebRTC may be limited by a setting, a policy, an extension or a VPN.";
    return { name, verdict: "bad", text };
  }
  const counts = (Object.keys(WORDS) as CandidateKind[]).flatMap((kind) => {
    const count = kinds.filter((one) => one === kind).length;
    return count === 0 ? [] : [`${formatCount(count, "address", "addresses")} ${WORDS[kind]}`];
  });
  const asked = serversIn(rtc);
  const told = `${counts.join(", ")}.`;
  if (asked && !kinds.includes("srflx") && !isRelayed) return { name, verdict: "remark", text: `${told} No STUN server answered, so peers beyond this network may be out of reach.` };
  if (!asked) return { name, verdict: "good", text: `${told} None from a STUN server, since none is set: peers on this machine and in this network can be reached.` };
  return { name, verdict: "good", text: told };
}

function serversIn({ iceServers = [] }: RTCConfiguration): boolean {
  return iceServers.length > 0;
}
