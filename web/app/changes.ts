import type { ReactiveController, ReactiveControllerHost } from "lit";

/** The least time between two drawings: numbers that change faster can't be read, and drawing takes time from a transfer. */
const INTERVAL_MS = 100;

/**
 * Tells followers that something changed: in the next frame, but not more often than people can read.
 *
 * A transfer gives hundreds of events a second. A hidden tab has no frames, so it draws nothing and catches up when it is
 * looked at.
 */
export class Changes {
  readonly #followers = new Set<() => void>();
  #scheduled = false;
  #toldMs = Number.NEGATIVE_INFINITY;

  /** Calls `follower` after changes until the returned function is called. */
  follow(follower: () => void): () => void {
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }

  changed(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    const waitMs = this.#toldMs + INTERVAL_MS - performance.now();
    // What comes after a quiet time, as a person's click does, is drawn at once.
    if (waitMs > 0) setTimeout(() => requestAnimationFrame(this.#tell), waitMs);
    else requestAnimationFrame(this.#tell);
  }

  readonly #tell = (): void => {
    this.#scheduled = false;
    this.#toldMs = performance.now();
    for (const follower of [...this.#followers]) follower();
  };
}

/** Redraws its host after each change, while the host is in the page. */
export class Following implements ReactiveController {
  readonly #host: ReactiveControllerHost;
  #source: Changes | null = null;
  #unfollow: (() => void) | null = null;
  #connected = false;

  constructor(host: ReactiveControllerHost) {
    this.#host = host;
    host.addController(this);
  }

  follow(source: Changes | null): void {
    if (source === this.#source) return;
    this.#source = source;
    this.#renew();
  }

  hostConnected(): void {
    this.#connected = true;
    this.#renew();
    // What changed while the host was away was missed.
    this.#host.requestUpdate();
  }

  hostDisconnected(): void {
    this.#connected = false;
    this.#renew();
  }

  #renew(): void {
    this.#unfollow?.();
    this.#unfollow = this.#connected ? (this.#source?.follow(() => this.#host.requestUpdate()) ?? null) : null;
  }
}
