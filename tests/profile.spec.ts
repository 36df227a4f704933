import { expect, test, type BrowserContext, type Page } from "@playwright/test";

import type {} from "./pages/profile.ts";

const PAGE = "/tests/pages/profile.html";

async function tab(context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  await page.goto(PAGE);
  await loaded(page);
  return page;
}

async function loaded(page: Page): Promise<void> {
  await page.waitForFunction(() => typeof window.claim === "function");
}

const claim = (page: Page, name?: string): Promise<string> => page.evaluate((wanted) => window.claim(wanted), name);

test("a reload keeps the profile and its key", async ({ context }) => {
  const page = await tab(context);
  const [profile, key] = [await claim(page), await page.evaluate(() => window.keyOf("0"))];
  for (let round = 0; round < 5; round++) {
    await page.reload();
    await loaded(page);
    expect(await claim(page)).toBe(profile);
    expect(await page.evaluate(() => window.keyOf("0"))).toEqual(key);
  }
});

test("two tabs never share a profile, nor a key", async ({ context }) => {
  const pages = await Promise.all([tab(context), tab(context), tab(context)]);
  const profiles = await Promise.all(pages.map((page) => claim(page)));
  expect(new Set(profiles).size).toBe(3);
  const keys = await Promise.all(pages.map((page, i) => page.evaluate((name) => window.keyOf(name), profiles[i] ?? "")));
  expect(new Set(keys.map(({ publicKey }) => publicKey)).size).toBe(3);
});

test("a duplicated tab, which has a copy of what the first remembers, gets another profile without waiting", async ({ context }) => {
  const first = await tab(context);
  const profile = await claim(first);
  // A window that a page opens gets a copy of its sessionStorage, as a duplicated tab does.
  const [second] = await Promise.all([context.waitForEvent("page"), first.evaluate((url) => void window.open(url), PAGE)]);
  await loaded(second);
  expect(await second.evaluate(() => sessionStorage.length)).toBe(1);
  const other = await second.evaluate(async () => {
    const request = LockManager.prototype.request as (this: LockManager, name: string, options: LockOptions, held: LockGrantedCallback<unknown>) => Promise<unknown>;
    LockManager.prototype.request = async function (this: LockManager, name: string, options: LockOptions, held: LockGrantedCallback<unknown>) {
      if (options.ifAvailable !== true) throw new Error(`waits for ${name}`);
      return request.call(this, name, options, held);
    } as typeof LockManager.prototype.request;
    return window.claim();
  });
  expect(other).not.toBe(profile);
  for (const [page, name] of [
    [second, other],
    [first, profile],
  ] as const) {
    await page.reload();
    await loaded(page);
    expect(await claim(page)).toBe(name);
  }
});

test("both halves of a duplicated pair that reload at once keep their own", async ({ context }) => {
  const first = await tab(context);
  const profile = await claim(first);
  const [second] = await Promise.all([context.waitForEvent("page"), first.evaluate((url) => void window.open(url), PAGE)]);
  await loaded(second);
  const other = await claim(second);
  await Promise.all([first.reload(), second.reload()]);
  await Promise.all([loaded(first), loaded(second)]);
  expect(await Promise.all([claim(first), claim(second)])).toEqual([profile, other]);
});

test("a duplicate that reloads while the first is away does not take the first one's", async ({ context }) => {
  const first = await tab(context);
  const profile = await claim(first);
  const [second] = await Promise.all([context.waitForEvent("page"), first.evaluate((url) => void window.open(url), PAGE)]);
  await loaded(second);
  const other = await claim(second);
  await first.goto("about:blank");
  await second.reload();
  await loaded(second);
  expect(await claim(second)).toBe(other);
  await first.goto(PAGE);
  await loaded(first);
  expect(await claim(first)).toBe(profile);
});

test("two swarms of one page have two profiles, and get both again", async ({ context }) => {
  const page = await tab(context);
  const both = await page.evaluate(() => Promise.all([window.claim(), window.claim()]));
  expect(new Set(both).size).toBe(2);
  await page.reload();
  await loaded(page);
  expect(await page.evaluate(() => Promise.all([window.claim(), window.claim()]))).toEqual(both);
});

test("the profile of a closed tab is free for the next one", async ({ context }) => {
  const first = await tab(context);
  const profile = await claim(first);
  const second = await tab(context);
  await first.close();
  await expect.poll(async () => {
    const name = await claim(second);
    await second.evaluate((held) => window.release(held), name);
    await second.evaluate(() => sessionStorage.clear());
    return name;
  }).toBe(profile);
});

test("a named profile is refused while another tab holds it", async ({ context }) => {
  const [first, second] = [await tab(context), await tab(context)];
  expect(await claim(first, "work")).toBe("work");
  const refused = second.evaluate(() => window.claim("work").catch((error: { code: string }) => error.code));
  expect(await refused).toBe("DENIED");
  await first.evaluate(() => window.release("work"));
  expect(await claim(second, "work")).toBe("work");
});

test("the private key can't be taken out of the browser", async ({ context }) => {
  const page = await tab(context);
  expect((await page.evaluate(() => window.keyOf("0"))).signatureBytes).toBe(64);
  const outcome = await page.evaluate(async () => {
    const request = indexedDB.open("peerloom-profile-test-identity");
    const db = await new Promise<IDBDatabase>((resolve) => (request.onsuccess = () => resolve(request.result)));
    const get = db.transaction("keys").objectStore("keys").get("0");
    const pair = await new Promise<CryptoKeyPair>((resolve) => (get.onsuccess = () => resolve(get.result)));
    const exported = await crypto.subtle.exportKey("pkcs8", pair.privateKey).catch((error: DOMException) => error.name);
    return { isExtractable: pair.privateKey.extractable, exported };
  });
  expect(outcome).toEqual({ isExtractable: false, exported: "InvalidAccessError" });
});
