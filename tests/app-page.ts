import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

import { expect, type BrowserContext, type Locator, type Page } from "@playwright/test";

import type {} from "../web/app/session.ts";

/** The part of axe that the stories use; its own types want the whole DOM of the page. */
interface AxeResult {
  readonly violations: readonly { readonly id: string; readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[] }[];
}

let namespaces = 0;

/** Returns a namespace that no other story has, also not one of an earlier run in the same second. */
export function namespace(): string {
  namespaces += 1;
  return `story-${process.pid}-${Date.now()}-${namespaces}`;
}

/** The app in one tab, as a person sees it. */
export class AppPage {
  readonly page: Page;
  readonly status: Locator;

  private constructor(page: Page) {
    this.page = page;
    this.status = page.getByRole("button", { name: /^Peer-to-peer status/ });
  }

  /** Opens the app in a new tab; `query` comes after `?app=…`, the fragment with its `#`. */
  static async open(context: BrowserContext, app: string, query = "", fragment = ""): Promise<AppPage> {
    return await AppPage.at(context, `/?app=${app}${query}${fragment}`);
  }

  static async at(context: BrowserContext, url: string): Promise<AppPage> {
    const page = await context.newPage();
    // A sentence in the console that nobody reads is a fault: the app tells its failures in the page.
    page.on("pageerror", (error) => {
      throw error;
    });
    await page.goto(url);
    const app = new AppPage(page);
    await app.opened();
    return app;
  }

  /** Opens two tabs in a namespace of their own, P2P on, and waits until they are connected. */
  static async pair(context: BrowserContext): Promise<readonly [AppPage, AppPage]> {
    const app = namespace();
    const one = await AppPage.open(context, app, "&p2p=on");
    const two = await AppPage.open(context, app, "&p2p=on");
    await one.connected(1);
    await two.connected(1);
    return [one, two];
  }

  async opened(): Promise<void> {
    await this.page.waitForFunction(() => window.swarm !== undefined);
    await expect(this.page.getByText("Opening your files…")).toHaveCount(0);
  }

  async reload(): Promise<void> {
    await this.page.reload();
    await this.opened();
  }

  /** The rows of the list of files. */
  get rows(): Locator {
    return this.page.getByRole("list", { name: "Files" }).getByRole("listitem");
  }

  row(name: string): Locator {
    return this.rows.filter({ hasText: name });
  }

  async choose(name: string, bytes: Buffer, mimeType = "application/octet-stream"): Promise<void> {
    await this.page.getByLabel("Files to add").setInputFiles({ name, mimeType, buffer: bytes });
  }

  /** Chooses a large file of noise that is made in the page; returns its SHA-256. */
  async chooseNoise(name: string, bytes: number): Promise<string> {
    return await this.page.getByLabel("Files to add").evaluate(
      async (input, [fileName, length]) => {
        const noise = new Uint8Array(length);
        // As much as `getRandomValues` gives at once.
        for (let at = 0; at < length; at += 65_536) crypto.getRandomValues(noise.subarray(at, at + 65_536));
        const data = new DataTransfer();
        data.items.add(new File([noise], fileName));
        (input as HTMLInputElement).files = data.files;
        input.dispatchEvent(new Event("change"));
        const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", noise));
        return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
      },
      [name, bytes] as const,
    );
  }

  /** Clicks Fetch and waits until some of the file is here. */
  async fetchSome(name: string): Promise<void> {
    const moved = this.page.evaluate(
      () =>
        new Promise<void>((resolve) => {
          window.swarm?.addEventListener("content:progress", ({ detail }) => {
            if (detail.doneBytes > 1_000_000) resolve();
          });
        }),
    );
    await this.page.getByRole("button", { name: `Fetch ${name}` }).click();
    await moved;
  }

  /** Drops a file on the page as a file manager does. */
  async drop(name: string, text: string, mime: string): Promise<void> {
    const data = await this.page.evaluateHandle(
      ([fileName, body, type]) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([body ?? ""], fileName ?? "", { type: type ?? "" }));
        return transfer;
      },
      [name, text, mime],
    );
    await this.page.dispatchEvent("main", "dragenter", { dataTransfer: data });
    await expect(this.page.getByText("Drop to share")).toBeVisible();
    await this.page.dispatchEvent("main", "dragover", { dataTransfer: data });
    await this.page.dispatchEvent("main", "drop", { dataTransfer: data });
    await expect(this.page.getByText("Drop to share")).toHaveCount(0);
  }

  /** Waits until so many peers are connected, as the indicator tells. */
  async connected(peers: number): Promise<void> {
    await expect(this.status).toHaveAccessibleName(`Peer-to-peer status: Connected, ${peers}\u00a0${peers === 1 ? "peer" : "peers"}`);
  }

  /** Waits until a file is here as a whole. */
  async complete(name: string): Promise<void> {
    await expect(this.row(name)).toContainText("On this device");
  }

  /** Saves a file by its button and returns what was saved. */
  async saved(name: string): Promise<{ readonly name: string; readonly bytes: Buffer }> {
    const downloading = this.page.waitForEvent("download");
    await this.page.getByRole("button", { name: `Save ${name}` }).click();
    const download = await downloading;
    return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) };
  }

  /** Saves a file and returns the SHA-256 of what was saved. */
  async savedDigest(name: string): Promise<string> {
    return createHash("sha256").update((await this.saved(name)).bytes).digest("hex");
  }

  /** Runs axe over the page as it is; the policy of the page forbids scripts in it, but not to the debugger. */
  async expectAccessible(): Promise<void> {
    await this.page.evaluate(readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8"));
    const { violations } = await this.page.evaluate(async () => {
      const { axe } = window as unknown as { readonly axe: { run(): Promise<AxeResult> } };
      return await axe.run();
    });
    expect(violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary ?? ""}`))).toEqual([]);
  }

  /** Nothing may be wider than the window. */
  async expectNoSidewaysScroll(): Promise<void> {
    const { scroll, client } = await this.page.evaluate(() => ({
      scroll: document.documentElement.scrollWidth,
      client: document.documentElement.clientWidth,
    }));
    expect(scroll).toBeLessThanOrEqual(client);
  }
}
