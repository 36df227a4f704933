import { beforeEach, expect, test, vi } from "vitest";
import type { Content, ContentId, ContentInfo, ShareLink, Status, SwarmEvents } from "../sdk/index.ts";
import { Files } from "./files.ts";
import type { FilesSwarm } from "./files.ts";
import { Notices } from "./notices.ts";
import { Preferences } from "./preferences.ts";

type Added = ContentInfo & { readonly link: ShareLink };

beforeEach(() => {
  vi.stubGlobal("requestAnimationFrame", (draw: () => void) => draw());
});

function content(digit: string, as: Partial<ContentInfo> = {}): Added {
  const id = digit.repeat(64) as ContentId;
  const info: ContentInfo = { id, name: "weave.txt", mime: "text/plain", bytes: 4, encrypted: true, providers: 0, complete: true, local: "complete", download: null };
  return { ...info, link: "#peerloom=" as ShareLink, ...as };
}

/** A swarm in which adding is answered when the test says so. */
class SlowSwarm implements FilesSwarm {
  readonly status: Status = { mode: "offline", state: "online", peersDiscovered: 0, peersConnected: 0, relayConnected: false, paths: [], contents: 0, roles: ["leaf"], bytesIn: 0, bytesOut: 0 };
  readonly answers: ((added: Added) => void)[] = [];
  readonly content: Content = {
    add: () => new Promise((resolve) => this.answers.push(resolve)),
    list: async () => [],
    available: () => [],
  } as Partial<Content> as Content;
  readonly #target = new EventTarget();

  addEventListener<K extends keyof SwarmEvents>(type: K, listener: (event: SwarmEvents[K]) => void): void {
    this.#target.addEventListener(type, listener as unknown as EventListener);
  }

  announce(info: ContentInfo): void {
    this.#target.dispatchEvent(new CustomEvent("content:update", { detail: info }));
  }
}

async function adding(count: number): Promise<{ readonly swarm: SlowSwarm; readonly files: Files; states(): readonly string[] }> {
  const swarm = new SlowSwarm();
  const files = new Files(swarm, new Preferences("test", "peer"), new Notices());
  const end = new AbortController();
  await files.start(end.signal);
  files.add(Array.from({ length: count }, () => new File(["weft"], "weave.txt")));
  return { swarm, files, states: () => files.entries.map(({ activity }) => activity.state).sort() };
}

test("a file that is announced before adding it is answered has one row", async () => {
  const { swarm, states } = await adding(1);
  swarm.announce(content("a"));
  expect(states()).toEqual(["adding"]);
  swarm.answers[0]?.(content("a"));
  await vi.waitFor(() => expect(states()).toEqual(["complete"]));
});

test("another content of the same name and length gets a row of its own", async () => {
  const { swarm, files, states } = await adding(1);
  swarm.announce(content("b"));
  swarm.answers[0]?.(content("a"));
  await vi.waitFor(() => expect(states()).toEqual(["complete", "complete"]));
  expect(new Set(files.entries.map(({ id }) => id)).size).toBe(2);
});

test("of two files that look alike neither takes the announcement of the other", async () => {
  const { swarm, files, states } = await adding(2);
  swarm.announce(content("a"));
  swarm.answers[1]?.(content("a"));
  await vi.waitFor(() => expect(states()).toEqual(["adding", "complete"]));
  swarm.answers[0]?.(content("b"));
  await vi.waitFor(() => expect(states()).toEqual(["complete", "complete"]));
  expect(files.entries.map(({ id }) => id?.slice(0, 1)).sort()).toEqual(["a", "b"]);
});
