/** Buffers to be used again: a fresh one of 256 KiB costs as much as hashing it (TECH.md section 5). */
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
