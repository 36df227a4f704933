import { Changes } from "./changes.ts";

/** Most notices kept; the oldest go first. More than a person reads. */
const NOTICES_MAX = 5;

/** Something that a person should know: what happened, what was kept, what to do. */
export interface Notice {
  readonly number: number;
  readonly tone: "danger" | "info";
  readonly title: string;
  readonly text: string;
}

/** What is told on top of the page, and what is only read out. */
export class Notices {
  readonly changes = new Changes();
  #notices: readonly Notice[] = [];
  #number = 0;
  #spoken = "";

  get shown(): readonly Notice[] {
    return this.#notices;
  }

  /** The latest event that a screen reader should tell, and that others see in the list. */
  get spoken(): string {
    return this.#spoken;
  }

  show(tone: Notice["tone"], title: string, text: string): void {
    this.#number += 1;
    // The same sentence twice is one fact: 300 files that don't fit need one notice.
    const others = this.#notices.filter((notice) => notice.title !== title || notice.text !== text);
    this.#notices = [...others, { number: this.#number, tone, title, text }].slice(-NOTICES_MAX);
    this.changes.changed();
  }

  dismiss(number: number): void {
    this.#notices = this.#notices.filter((notice) => notice.number !== number);
    this.changes.changed();
  }

  say(text: string): void {
    this.#spoken = text;
    this.changes.changed();
  }
}
