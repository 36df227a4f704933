/**
 * What takes real time: hashing, encrypting, reading a file. It is done one after the other, so that the ends come in the
 * order of the beginnings, whatever the machine does; and virtual time waits for it.
 */
export class Work {
  #last: Promise<unknown> = Promise.resolve();
  #count = 0;

  get isDone(): boolean {
    return this.#count === 0;
  }

  /** Does it when all that was begun before is done. */
  do<T>(work: () => Promise<T>): Promise<T> {
    this.#count += 1;
    const done = this.#last.then(work);
    const end = (): void => void (this.#count -= 1);
    this.#last = done.then(end, end);
    return done;
  }

  /** Resolves when nothing is left to do. */
  async done(): Promise<void> {
    while (!this.isDone) {
      await this.#last;
    }
  }
}
