import type { ConnectFailure, SignallingPath, Status, SwarmError } from "../sdk/index.ts";
import { formatCount, shortId } from "./format.ts";
import type { IconName } from "./icons.ts";

/** How the status indicator shows a status: never by colour alone. */
export interface ModeWords {
  readonly tone: "off" | "waiting" | "connected" | "relayed";
  readonly icon: IconName;
  readonly word: string;
  /** One sentence more, for the popover. */
  readonly detail: string;
}

/** What to do for company. */
function aloneWords({ paths }: Status): string {
  return paths.some(({ kind }) => kind === "rendezvous")
    ? "Open the link of this page anywhere else, and the two find each other."
    : "Open this page in another tab, and the two find each other.";
}

/** Returns how a status reads; without a swarm it is off. */
export function modeWords(status: Status | null): ModeWords {
  if (status === null || status.state === "stopped") {
    return { tone: "off", icon: "off", word: "P2P off", detail: "Nothing is sent or received. What is stored here stays." };
  }
  if (status.state === "starting") {
    return { tone: "waiting", icon: "waiting", word: "Starting", detail: "Getting ready to meet other peers." };
  }
  switch (status.mode) {
    case "p2p":
      return { tone: "connected", icon: "connected", word: "Connected", detail: "Data goes directly from browser to browser." };
    case "relay":
      return { tone: "relayed", icon: "relayed", word: "Relayed", detail: "No direct way was found; sealed data goes through another peer or the server." };
    case "offline":
      return { tone: "waiting", icon: "waiting", word: "No peers yet", detail: aloneWords(status) };
  }
}

/** How the status popover shows a server that peers meet through. */
export interface ServerWords {
  readonly icon: IconName;
  readonly name: string;
  readonly text: string;
}

/** Returns how it stands with a server, why it does not work, and when it is tried again. */
export function serverWords({ name, state, fault, nextTryAt }: SignallingPath): ServerWords {
  const host = hostOf(name);
  const reason = fault === null ? "" : fault.reason;
  switch (state) {
    case "connected":
      return { icon: fault === null ? "connected" : "warning", name: host, text: reason === "" ? "Connected. Others are met here; your data goes past it." : reason };
    case "connecting":
      return { icon: "waiting", name: host, text: reason === "" ? "Connecting…" : `${reason} It is tried again now.` };
    case "waiting": {
      const next = nextTryAt === null ? "" : ` Next try at ${new Date(nextTryAt).toLocaleTimeString()}.`;
      return { icon: "warning", name: host, text: `${reason}${next} Those who are connected stay so.` };
    }
    case "stopped":
      return { icon: "off", name: host, text: "P2P is off." };
  }
}

function hostOf(address: string): string {
  try {
    return new URL(address, globalThis.location?.href).host;
  } catch {
    return address;
  }
}

/** Returns the change of a status as it is read out: mode and peers, in one sentence. */
export function spokenStatus(status: Status | null): string {
  const { word } = modeWords(status);
  if (status === null || status.peersConnected === 0) return word;
  return `${word}, ${formatCount(status.peersConnected, "peer")}`;
}

const STAGE_WORDS: Record<ConnectFailure["stage"], string> = {
  signalling: "It did not answer the invitation to connect",
  ice: "No network path between the two of you was found",
  dtls: "The secure channel could not be set up",
  channel: "The data channels did not open",
  authentication: "It could not prove that it is who it says",
  admission: "It did not let us in",
};

/** Returns how far an attempt got, as a sentence without its full stop. */
export function stageWords(stage: ConnectFailure["stage"]): string {
  return STAGE_WORDS[stage];
}

/** Returns what happened and what a person can do, without naming the peer. */
export function causeWords(failure: ConnectFailure): string {
  const reason = failure.reason === "" ? "" : ` (${withoutFullStop(failure.reason)})`;
  const hint = failure.hint === undefined || failure.hint === "" ? "" : ` ${sentence(failure.hint)}`;
  return `${STAGE_WORDS[failure.stage]}${reason}.${hint}`;
}

export interface FailureWords {
  readonly title: string;
  readonly text: string;
}

/** Returns a failure to connect in plain words: how far it got, the reason, and what a person can do. */
export function failureWords(failure: ConnectFailure): FailureWords {
  return { title: `No connection to ${shortId(failure.peer)}`, text: causeWords(failure) };
}

const CODE_WORDS: Record<SwarmError["code"], string> = {
  ABORTED: "It was cancelled.",
  TIMEOUT: "It took too long. Try again; the other side may be busy or asleep.",
  NOT_FOUND: "Nobody who is connected has it. Ask whoever shared it to keep their tab open.",
  UNREACHABLE: "The peer could not be reached. Check that its tab is open and its P2P switched on.",
  TOO_LARGE: "It is larger than this version allows.",
  BAD_HASH: "What arrived is not what was asked for, so it was thrown away. Try again; another peer may have it whole.",
  BAD_SIGNATURE: "The signature does not match, so it was thrown away.",
  BAD_INPUT: "Check it, then try again.",
  WRONG_KEY: "It is encrypted, and the key is missing or wrong. Open the full share link.",
  DENIED: "The peer is banned, or does not let us in.",
  RATE_LIMITED: "Too much was asked at once. Wait a moment, then try again.",
  QUOTA: "The browser’s storage is full. What was stored before is kept. Remove something or free disk space, then try again.",
  CLOSED: "P2P is off. Turn it on, then try again.",
  UNSUPPORTED: "This browser lacks something that is needed. Use a current Firefox, Chrome, Edge or Safari.",
  POISONED: "The program in this tab stopped working. Reload the page; what was stored is kept.",
};

/** These are about one particular input, so the error's own sentence says more than its code does. */
const SPECIFIC: ReadonlySet<string> = new Set<SwarmError["code"]>(["BAD_INPUT", "TOO_LARGE", "UNSUPPORTED"]);

/** Returns what went wrong and what to do, in plain words, from whatever was thrown. */
export function errorWords(error: unknown): string {
  const code = errorCode(error);
  const message = error instanceof Error ? error.message : "";
  const failure = failureOf(error);
  if (code === "UNREACHABLE" && failure !== null) return failureWords(failure).text;
  if (code === null) {
    return message === "" ? "Something unexpected happened. Reload the page; what was stored is kept." : sentence(message);
  }
  return SPECIFIC.has(code) && message !== "" ? `${sentence(message)} ${CODE_WORDS[code]}` : CODE_WORDS[code];
}

/** Returns the stable code of a `SwarmError`, or null; by shape, because this file must not load the SDK. */
export function errorCode(error: unknown): SwarmError["code"] | null {
  if (typeof error !== "object" || error === null || !("code" in error)) return null;
  const { code } = error;
  return typeof code === "string" && Object.hasOwn(CODE_WORDS, code) ? (code as SwarmError["code"]) : null;
}

function failureOf(error: unknown): ConnectFailure | null {
  if (typeof error !== "object" || error === null || !("failure" in error)) return null;
  const { failure } = error;
  return typeof failure === "object" && failure !== null && "stage" in failure ? (failure as ConnectFailure) : null;
}

function withoutFullStop(text: string): string {
  return text.trim().replace(/\.$/u, "");
}

function sentence(text: string): string {
  const body = withoutFullStop(text);
  return `${body.charAt(0).toUpperCase()}${body.slice(1)}.`;
}
