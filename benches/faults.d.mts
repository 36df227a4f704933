import type { Browser, Page } from "puppeteer-core";

export interface Harm {
  readonly victim: Page;
  readonly front: Page;
  /** The process of `victim`. */
  readonly renderer: number;
  /** How long it is to last, for those that can't be ended. */
  readonly ms: number;
  /** Opens the victim's page once more. */
  readonly reopen: () => Promise<Page>;
}

export interface Fault {
  readonly survives: boolean;
  harm(what: Harm): Promise<() => Promise<Page>>;
}

export type FaultName = "hidden" | "frozen" | "stopped" | "blocked" | "offline" | "killed" | "reloaded";

export const FAULTS: Readonly<Record<FaultName, Fault>>;

export function launch(): Promise<Browser>;
export function openPage(browser: Browser, address: string, onError: (error: unknown) => void): Promise<Page>;
export function rendererOf(page: Page): Promise<number>;
