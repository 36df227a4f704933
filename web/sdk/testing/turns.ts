/**
 * Turns of the real event loop, in which an application does what it was waiting to do; no time is measured.
 *
 * Taken when this module is loaded: a test that puts fake timers in their place shall not stop the network.
 */
const { setImmediate } = globalThis as { setImmediate?: (act: () => void) => unknown };

export class Turns {
  readonly #waiting: (() => void)[] = [];
  #channel: MessageChannel | null = null;

  /** Resolves when everything that was ready to run has run. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      if (setImmediate !== undefined) {
        setImmediate(resolve);
        return;
      }
      // Browsers: timers would be held back to 4 ms, messages are not.
      this.#waiting.push(resolve);
      this.#open().port2.postMessage(null);
    });
  }

  end(): void {
    this.#channel?.port1.close();
    this.#channel = null;
  }

  #open(): MessageChannel {
    if (this.#channel === null) {
      this.#channel = new MessageChannel();
      this.#channel.port1.onmessage = () => this.#waiting.shift()?.();
    }
    return this.#channel;
  }
}
