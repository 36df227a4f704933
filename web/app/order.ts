/**
 * The order of a list whose rows must not move while somebody points at them.
 *
 * New rows go to the top. While the list is held, they wait aside, and rows that are gone keep their place; letting go
 * applies both. What a person does to the list themselves shows at once.
 */
export class ListOrder {
  #keys: string[] = [];
  #waiting: string[] = [];
  readonly #gone = new Set<string>();
  #held = false;

  /** The rows to show, from the top. */
  get keys(): readonly string[] {
    return this.#keys;
  }

  /** How many rows wait to be shown. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Returns whether letting go changed the list. */
  hold(held: boolean): boolean {
    this.#held = held;
    return held ? false : this.apply();
  }

  /** Shows what waits and drops what is gone, held or not: a person asked for it. Returns whether that changed anything. */
  apply(): boolean {
    if (this.#waiting.length === 0 && this.#gone.size === 0) return false;
    this.#keys = [...this.#waiting, ...this.#keys].filter((key) => !this.#gone.has(key));
    this.#waiting = [];
    this.#gone.clear();
    return true;
  }

  /** Adds a row at the top; `atOnce` for what a person just did. */
  add(key: string, atOnce: boolean): void {
    if (this.#gone.delete(key)) return;
    if (this.#held && !atOnce) this.#waiting.unshift(key);
    else this.#keys.unshift(key);
  }

  /** Takes a row out; returns false if it keeps its place for now. */
  remove(key: string, atOnce: boolean): boolean {
    const held = this.#held && !atOnce && this.#keys.includes(key);
    if (held) {
      this.#gone.add(key);
      return false;
    }
    this.#keys = this.#keys.filter((other) => other !== key);
    this.#waiting = this.#waiting.filter((other) => other !== key);
    this.#gone.delete(key);
    return true;
  }

  isGone(key: string): boolean {
    return this.#gone.has(key);
  }
}
