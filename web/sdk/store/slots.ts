/** Which slots of the chunk file are taken. The lowest free one is given first, so that the file stays short. */
export class Slots {
  /** Free slots below `#end`, highest first: the next to give is at the tail. */
  readonly #free: number[] = [];
  /** One past the highest slot ever taken and not trimmed. */
  #end = 0;

  /** Begins with these slots taken; none of them twice. */
  constructor(taken: Iterable<number> = []) {
    const sorted = [...taken].sort((a, b) => a - b);
    let next = 0;
    const free: number[] = [];
    for (const slot of sorted) {
      for (; next < slot; next++) {
        free.push(next);
      }
      next = slot + 1;
    }
    this.#end = next;
    this.#free = free.reverse();
  }

  /** The length of the file in slots. */
  get end(): number {
    return this.#end;
  }

  take(): number {
    const slot = this.#free.pop();
    if (slot !== undefined) {
      return slot;
    }
    this.#end += 1;
    return this.#end - 1;
  }

  release(slot: number): void {
    let low = 0;
    let high = this.#free.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#free[middle] ?? -1) > slot) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    this.#free.splice(low, 0, slot);
  }

  /** Forgets the free slots at the end. Returns the new length in slots. */
  trim(): number {
    let count = 0;
    while (count < this.#free.length && this.#free[count] === this.#end - 1 - count) {
      count += 1;
    }
    this.#free.splice(0, count);
    this.#end -= count;
    return this.#end;
  }
}
