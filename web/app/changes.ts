import type { ReactiveController, ReactiveControllerHost } from "lit";

/**
 * Tells followers that something changed, at most once a frame.
 *
 * A transfer gives hundreds of events a second; drawing more often than the screen does only takes time from it. A hidden
 * tab has no frames, so it draws nothing and catches up when it is looked at.
 */
export class Changes {
  readonly #followers = new Set<() => void>();
  #scheduled = false;

  /** Calls `follower` after changes until the returned function is called. */
  follow(follower: () => void): () => void {
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }

  changed(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      for (const follower of [...this.#followers]) follower();
    });
  }
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
