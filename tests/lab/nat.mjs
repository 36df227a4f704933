// Kinds of address translation, as rules of nftables. The words are those of RFC 4787.

/**
 * - `cone`: one mapping whoever the packets are for (it keeps the port), and packets only from whom they were sent to.
 * - `full`: the same mapping, and packets from everybody.
 * - `symmetric`: another mapping for each destination, and packets only from there.
 */
const KINDS = {
  cone: { inward: false, mapping: "" },
  full: { inward: true, mapping: "" },
  symmetric: { inward: false, mapping: " fully-random" },
};

/**
 * The rules of a router between `lan` and `wan`, before a home of this address.
 *
 * New packets from outside are dropped before they reach the router itself: else its own connection tracking would give
 * them the port that the home's packets need a moment later.
 */
export function rulesOf(kind, home) {
  const { inward, mapping } = KINDS[kind];
  const stranger = 'iifname "wan" ct state new';
  return `
    table ip translation {
      chain in { type nat hook prerouting priority -100; ${inward ? `iifname "wan" udp dport 1024-65535 dnat to ${home};` : ""} }
      chain out { type nat hook postrouting priority 100; oifname "wan" masquerade${mapping}; }
    }
    table ip wall {
      chain self { type filter hook input priority 0; ${stranger} drop; }
      chain through { type filter hook forward priority 0; ${inward ? "" : `${stranger} drop;`} }
    }`;
}
