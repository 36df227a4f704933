/** Whether this browser, on this page, has what a swarm can't do without. */
export function isSupported(): { ok: boolean; missing: readonly string[] } {
  const scope = globalThis as { RTCPeerConnection?: unknown; WebAssembly?: unknown; BroadcastChannel?: unknown; document?: unknown };
  const missing = [
    ["a page", typeof scope.document === "object"],
    ["WebAssembly", typeof scope.WebAssembly === "object"],
    ["WebRTC", typeof scope.RTCPeerConnection === "function"],
    ["BroadcastChannel", typeof scope.BroadcastChannel === "function"],
    // Absent from pages that came over plain http from anywhere but this machine.
    ["WebCrypto (a secure context: https or localhost)", typeof globalThis.crypto?.subtle === "object"],
  ].flatMap(([name, has]) => (has === true ? [] : [String(name)]));
  return { ok: missing.length === 0, missing };
}
