// Time, and what kept the main thread from noticing it.

/** How often the probe looks: the shortest that browsers grant to timers that set the next one. */
const PROBE_INTERVAL_MS = 4;

/** Milliseconds on a clock that all tabs of a browser share. */
export function sharedNow() {
  return performance.timeOrigin + performance.now();
}

/** Watches the main thread until `stop` is called, which returns the longest task and the longest gap in milliseconds. */
function watchMainThread() {
  let taskMs = 0;
  let gapMs = 0;
  let last = performance.now();
  const note = (entries) => {
    for (const entry of entries) taskMs = Math.max(taskMs, entry.duration);
  };
  const observer = new PerformanceObserver((list) => note(list.getEntries()));
  observer.observe({ type: "longtask" });
  const timer = setInterval(() => {
    const now = performance.now();
    gapMs = Math.max(gapMs, now - last - PROBE_INTERVAL_MS);
    last = now;
  }, PROBE_INTERVAL_MS);
  return {
    stop() {
      note(observer.takeRecords());
      observer.disconnect();
      clearInterval(timer);
      // The browser tells of tasks of 50 ms and more; 0 says that there was none.
      return { taskMs, gapMs };
    },
  };
}

/** What both kinds of tab can do. */
export class WatchedTab {
  #watch = null;

  watch() {
    this.#watch = watchMainThread();
  }

  unwatch() {
    return this.#watch.stop();
  }

  burn(ms) {
    burn(ms);
  }
}

/** Keeps the main thread busy, so that its process can be told from the others by its processor time. */
function burn(ms) {
  const end = performance.now() + ms;
  while (performance.now() < end);
}
