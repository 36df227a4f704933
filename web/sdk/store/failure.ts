/** How the store fails. Whatever was stored before is still there. */

/**
 * `QUOTA`: full. `UNAVAILABLE`: cleared by the person or taken by the browser. `IO`: anything else.
 * `DAMAGED`, `WRONG_KEY`: a stored chunk is not what its hash says, or not what the key opens.
 * `UNSUPPORTED`: a newer version wrote the data; only at the opening.
 */
export type StoreFailureCode = "QUOTA" | "UNAVAILABLE" | "IO" | "DAMAGED" | "WRONG_KEY" | "UNSUPPORTED";

export class StoreFailure extends Error {
  override readonly name = "StoreFailure";
  readonly code: StoreFailureCode;

  constructor(code: StoreFailureCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** Sorts what a storage interface threw. */
export function toStoreFailure(cause: unknown): StoreFailure {
  if (cause instanceof StoreFailure) {
    return cause;
  }
  const name = cause instanceof Error || cause instanceof DOMException ? cause.name : "Error";
  const message = cause instanceof Error || cause instanceof DOMException ? cause.message : String(cause);
  switch (name) {
    case "QuotaExceededError":
      return full(cause);
    // A closed database or handle, a file removed beneath us, a backing store deleted with "clear site data".
    case "InvalidStateError":
    case "NotFoundError":
    case "UnknownError":
      return new StoreFailure("UNAVAILABLE", `storage is gone: ${message}`, cause);
    default:
      return new StoreFailure("IO", `storage failed: ${name}: ${message}`, cause);
  }
}

/** Storage is full. */
export function full(cause?: unknown): StoreFailure {
  return new StoreFailure("QUOTA", "storage is full: nothing was lost, but there is no room for more", cause);
}
