/** Most paused contents remembered; the oldest go first and would then resume by themselves. */
const PAUSED_MAX = 1000;

interface Stored {
  readonly enabled: boolean;
  readonly paused: readonly string[];
}

/**
 * What a person chose, remembered for one peer id, which is what a profile is.
 *
 * Where the browser forbids storage the choices hold until the page is left.
 */
export class Preferences {
  readonly #key: string;
  #enabled: boolean;
  readonly #paused: Set<string>;

  /** `enabled`: whether P2P is on before anybody chose. */
  constructor(app: string, peer: string, enabled = false) {
    this.#key = `peerloom-app:${app}:${peer}`;
    const stored = read(this.#key, enabled);
    this.#enabled = stored.enabled;
    this.#paused = new Set(stored.paused);
  }

  /** Whether P2P is to be on. */
  get enabled(): boolean {
    return this.#enabled;
  }

  set enabled(enabled: boolean) {
    this.#enabled = enabled;
    this.#write();
  }

  paused(content: string): boolean {
    return this.#paused.has(content);
  }

  setPaused(content: string, paused: boolean): void {
    if (this.#paused.has(content) === paused) return;
    if (paused) this.#paused.add(content);
    else this.#paused.delete(content);
    const oldest = this.#paused.keys().next();
    if (this.#paused.size > PAUSED_MAX && oldest.done !== true) this.#paused.delete(oldest.value);
    this.#write();
  }

  #write(): void {
    const stored: Stored = { enabled: this.#enabled, paused: [...this.#paused] };
    try {
      localStorage.setItem(this.#key, JSON.stringify(stored));
    } catch {
      // Storage is forbidden or full; the choice holds for this visit.
    }
  }
}

function read(key: string, isEnabled: boolean): Stored {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(key) ?? "null");
    if (typeof value !== "object" || value === null) return { enabled: isEnabled, paused: [] };
    const { enabled, paused } = value as { enabled?: unknown; paused?: unknown };
    const ids = Array.isArray(paused) ? paused.filter((id): id is string => typeof id === "string") : [];
    return { enabled: enabled === true, paused: ids.slice(-PAUSED_MAX) };
  } catch {
    return { enabled: isEnabled, paused: [] };
  }
}
