/** The test of the browser and of this page: has it all that connecting takes? */

import { isSupported } from "../../sdk/index.ts";
import type { Swarm } from "../../sdk/index.ts";
import type { Test } from "./bench.ts";
import { candidateKind, candidatesCheck } from "./candidates.ts";
import type { CandidateKind } from "./candidates.ts";
import { resultOf, storageCheck } from "./environment-results.ts";
import { NO_FINDINGS } from "./findings.ts";
import type { Check } from "./findings.ts";
import { freshNamespace } from "./lab.ts";
import { TookTooLong, settle } from "./waiting.ts";

/** How long a message on a BroadcastChannel may take: it is a matter of one millisecond. */
const HEARD_MS_MAX = 3000;

/** How long candidates are waited for. A STUN server that does not answer is given up by browsers after some 10 s. */
const GATHER_MS_MAX = 6000;

/** `swarm` gives the person's own swarm, for its store; null while there is none. */
export function environmentTest(rtc: RTCConfiguration, swarm: () => Pick<Swarm, "content"> | null): Test {
  return async ({ signal, tell }) => {
    const checks: Check[] = [];
    const steps: readonly (readonly [string, () => Check | Promise<Check>])[] = [
      ["Looking at the browser", supportCheck],
      ["Looking at the page", secureCheck],
      ["Making and checking a signature", cryptoCheck],
      ["Asking for a lock", locksCheck],
      ["Speaking and listening on a BroadcastChannel", () => broadcastCheck(signal)],
      ["Looking at the storage", () => storeCheck(swarm())],
      ["Gathering network addresses", () => networkCheck(rtc, signal)],
    ];
    for (const [text, step] of steps) {
      tell({ text, done: checks.length / steps.length, findings: { ...NO_FINDINGS, checks: [...checks] } });
      checks.push(await step());
      signal.throwIfAborted();
    }
    return resultOf(checks);
  };
}

function supportCheck(): Check {
  const { ok, missing } = isSupported();
  const name = "Browser";
  if (ok) return { name, verdict: "good", text: "Has WebRTC, WebAssembly, BroadcastChannel and WebCrypto." };
  return { name, verdict: "bad", text: `This browser or page lacks ${missing.join(", ")}. Use a current Firefox, Chrome, Edge or Safari, over https or on localhost.` };
}

function secureCheck(): Check {
  const name = "Secure context";
  if (isSecureContext) return { name, verdict: "good", text: "The page came over https or from this machine." };
  return { name, verdict: "bad", text: "The page came over plain http. Browsers give WebCrypto to https pages and localhost only: open it over https." };
}

async function cryptoCheck(): Promise<Check> {
  const name = "WebCrypto";
  try {
    const { privateKey, publicKey } = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
    const signing = { name: "ECDSA", hash: "SHA-256" };
    const payload = crypto.getRandomValues(new Uint8Array(32));
    const holds = await crypto.subtle.verify(signing, publicKey, await crypto.subtle.sign(signing, privateKey, payload), payload);
    if (holds) return { name, verdict: "good", text: "Makes P-256 keys, signs and verifies." };
    return { name, verdict: "bad", text: "WebCrypto does not accept its own signature: this browser is broken or something changes it." };
  } catch {
    return { name, verdict: "bad", text: "WebCrypto makes no P-256 key here, so peers could not prove who they are." };
  }
}

async function locksCheck(): Promise<Check> {
  const name = "Web Locks";
  const remark: Check = { name, verdict: "remark", text: "There are no Web Locks here, so identity and files are forgotten when the tab is closed." };
  if (!("locks" in navigator)) return remark;
  try {
    const granted = await navigator.locks.request(freshNamespace(), { ifAvailable: true }, (lock) => lock !== null);
    return granted ? { name, verdict: "good", text: "Each tab can hold a profile of its own." } : remark;
  } catch {
    return remark;
  }
}

async function broadcastCheck(signal: AbortSignal): Promise<Check> {
  const name = "BroadcastChannel";
  if (typeof BroadcastChannel !== "function") return { name, verdict: "bad", text: "There is no BroadcastChannel, over which the tabs of this browser find each other." };
  const label = freshNamespace();
  const [speaker, listener] = [new BroadcastChannel(label), new BroadcastChannel(label)];
  try {
    await settle<void>((done, _fail, over) => {
      listener.addEventListener("message", () => done(), { signal: over });
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a BroadcastChannel has one origin
      speaker.postMessage("hello");
    }, HEARD_MS_MAX, signal);
    return { name, verdict: "good", text: "What one peer says, another one hears." };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof TookTooLong)) throw error;
    return { name, verdict: "bad", text: "What one peer says on a BroadcastChannel, another one does not hear, so tabs can’t find each other. A private window, a browser setting or an extension may keep them apart." };
  } finally {
    speaker.close();
    listener.close();
  }
}

async function storeCheck(swarm: Pick<Swarm, "content"> | null): Promise<Check> {
  const name = "Storage";
  if (swarm === null) return { name, verdict: "remark", text: "Your swarm is not open, so its storage could not be looked at." };
  try {
    return storageCheck(await swarm.content.usage());
  } catch {
    return { name, verdict: "remark", text: "The storage of your swarm does not answer. Reload the page." };
  }
}

async function networkCheck(rtc: RTCConfiguration, signal: AbortSignal): Promise<Check> {
  if (typeof RTCPeerConnection !== "function") return { name: "Network addresses", verdict: "bad", text: "There is no WebRTC in this browser, or an extension or a policy switched it off." };
  const kinds: CandidateKind[] = [];
  const connection = new RTCPeerConnection(rtc);
  try {
    connection.createDataChannel("diagnostics");
    const gathered = settle<void>((done, _fail, over) => {
      connection.addEventListener("icecandidate", ({ candidate }) => {
        if (candidate === null) return done();
        const kind = candidateKind(candidate.candidate);
        if (kind !== null) kinds.push(kind);
      }, { signal: over });
      // Those that come later would come too late for people, too.
    }, GATHER_MS_MAX, signal).catch(() => undefined);
    await connection.setLocalDescription();
    await gathered;
    signal.throwIfAborted();
  } finally {
    connection.close();
  }
  return candidatesCheck(kinds, rtc);
}
