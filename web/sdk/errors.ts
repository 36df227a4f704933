/** The one kind of error that leaves this package. */

import type { ConnectFailure, PeerId } from "./types.ts";

const CODES = [
  "ABORTED",
  "TIMEOUT",
  "NOT_FOUND",
  "UNREACHABLE",
  "TOO_LARGE",
  "BAD_HASH",
  "BAD_SIGNATURE",
  "BAD_INPUT",
  "WRONG_KEY",
  "DENIED",
  "RATE_LIMITED",
  "QUOTA",
  "CLOSED",
  "UNSUPPORTED",
  "POISONED",
] as const;

/** Stable: programs may compare it. `POISONED` means that something broke for good: close the swarm and open it again. */
export type SwarmErrorCode = (typeof CODES)[number];

export interface SwarmErrorDetails {
  readonly peer?: PeerId | undefined;
  readonly failure?: ConnectFailure | undefined;
  readonly cause?: unknown;
}

/** What every promise of this package rejects with: a stable code and a sentence for people. */
export class SwarmError extends Error {
  override readonly name = "SwarmError";
  readonly code: SwarmErrorCode;
  readonly peer?: PeerId;
  /** Where an attempt to connect ended, for `UNREACHABLE`. */
  readonly failure?: ConnectFailure;

  constructor(code: SwarmErrorCode, message: string, details: SwarmErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    if (details.peer !== undefined) {
      this.peer = details.peer;
    }
    if (details.failure !== undefined) {
      this.failure = details.failure;
    }
  }
}

/** Turns whatever was thrown, by the core, the store or the browser, into a `SwarmError`. */
export function toSwarmError(cause: unknown, fallback: SwarmErrorCode = "POISONED"): SwarmError {
  if (cause instanceof SwarmError) {
    return cause;
  }
  const { name, code, message, peer, failure } = fieldsOf(cause);
  return new SwarmError(codeOf(name, code) ?? fallback, message, {
    cause,
    peer: typeof peer === "string" ? (peer as PeerId) : undefined,
    failure: typeof failure === "object" && failure !== null ? (failure as ConnectFailure) : undefined,
  });
}

function codeOf(name: unknown, code: unknown): SwarmErrorCode | null {
  const known = CODES.find((candidate) => candidate === code);
  if (known !== undefined) {
    return known;
  }
  // The store's own words; see store/failure.ts.
  if (code === "DAMAGED") {
    return "BAD_HASH";
  }
  if (code === "UNAVAILABLE" || code === "IO") {
    return "POISONED";
  }
  switch (name) {
    case "AbortError":
      return "ABORTED";
    case "TimeoutError":
      return "TIMEOUT";
    case "QuotaExceededError":
      return "QUOTA";
    default:
      return null;
  }
}

function fieldsOf(cause: unknown): { name?: unknown; code?: unknown; message: string; peer?: unknown; failure?: unknown } {
  if (typeof cause !== "object" || cause === null) {
    return { message: String(cause) };
  }
  const fields = cause as { name?: unknown; code?: unknown; message?: unknown; peer?: unknown; failure?: unknown };
  return { ...pick(fields), message: typeof fields.message === "string" && fields.message !== "" ? fields.message : "unknown failure" };
}

function pick(fields: { name?: unknown; code?: unknown; peer?: unknown; failure?: unknown }) {
  // Read one by one: DOMException and Error keep these on the prototype, where spreading does not see them.
  return { name: fields.name, code: fields.code, peer: fields.peer, failure: fields.failure };
}
