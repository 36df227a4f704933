/** Buffers to be used again: a fresh one of 256 KiB costs as much as hashing it (measured 2026-11-20). */
export class BufferPool {
  readonly #bytes: number;
  readonly #max: number;
  readonly #free: ArrayBuffer[] = [];

  /** Keeps at most `max` buffers of exactly `bytes`. */
  constructor(bytes: number, max: number) {
    this.#bytes = bytes;
    this.#max = max;
  }

  /** A buffer with whatever was in it. */
  take(): ArrayBuffer {
    return this.#free.pop() ?? new ArrayBuffer(this.#bytes);
  }

  /** Takes a buffer back; one of another length, or transferred away, is dropped. */
  give(buffer: ArrayBuffer): void {
    if (buffer.byteLength === this.#bytes && this.#free.length < this.#max) {
      this.#free.push(buffer);
    }
  }
}

/**
 * Gives the memory of a buffer back at once, which nobody uses any more: it is sent to a port whose other end is closed.
 *
 * The collector comes too late, to which a buffer is a small object: exporting 250 MB took 250 MB. `transfer(0)` does not
 * help, since Chromium's own handle of the buffer keeps the memory (both measured 2026-11-20).
 */
export function release(buffer: ArrayBuffer): void {
  drain ??= makeDrain();
  drain.postMessage(null, [buffer]);
}

let drain: MessagePort | null = null;

function makeDrain(): MessagePort {
  const { port1, port2 } = new MessageChannel();
  port2.close();
  return port1;
}
