import { randomBytes } from "node:crypto";

import { expect, test } from "@playwright/test";

import { AppPage, namespace } from "./app-page.ts";

/** More than two chunks, and not a multiple of one. */
const BYTES = 700_001;

test("a file dropped into one tab appears in the other, and one click fetches it, byte for byte", async ({ context }) => {
  const [one, two] = await AppPage.pair(context);
  const text = "warp and weft\n".repeat(50_000);
  await one.drop("weave.txt", text, "text/plain");
  await expect(one.row("weave.txt")).toContainText("On this device");
  await expect(two.row("weave.txt")).toContainText("700.0\u00a0kB · Text · from 1\u00a0peer".replace("700.0", "700"));
  await two.page.getByRole("button", { name: "Fetch weave.txt" }).click();
  await expect(two.row("weave.txt")).toContainText("On this device");
  const saved = await two.saved("weave.txt");
  expect(saved.name).toBe("weave.txt");
  expect(saved.bytes.toString()).toBe(text);
  await expect(one.row("weave.txt")).toContainText("also at 1\u00a0peer");
});

test("a text that one tab wrote is read in the other", { tag: "@firefox" }, async ({ context }) => {
  const [one, two] = await AppPage.pair(context);
  await one.drop("letter.txt", "Dear weaver,\nthe warp is ready.", "text/plain");
  await two.page.getByRole("button", { name: "Fetch letter.txt" }).click();
  await two.page.getByRole("button", { name: "Preview letter.txt" }).click();
  await expect(two.page.getByRole("region", { name: "Preview of letter.txt" })).toHaveText("Dear weaver,\nthe warp is ready.");
});

test("chosen files of any bytes arrive as they were, the empty one too", async ({ context }) => {
  const [one, two] = await AppPage.pair(context);
  const bytes = randomBytes(BYTES);
  await one.choose("noise.bin", bytes);
  await one.choose("empty.bin", Buffer.alloc(0));
  for (const [name, wanted] of [
    ["noise.bin", bytes],
    ["empty.bin", Buffer.alloc(0)],
  ] as const) {
    await two.page.getByRole("button", { name: `Fetch ${name}` }).click();
    await expect(two.row(name)).toContainText("On this device");
    const saved = await two.saved(name);
    expect(saved.bytes.equals(wanted)).toBe(true);
  }
});

test("what was added and fetched is there after a reload, with P2P off", async ({ context }) => {
  const app = await AppPage.open(context, namespace());
  const bytes = randomBytes(BYTES);
  await app.choose("kept.bin", bytes);
  await expect(app.row("kept.bin")).toContainText("On this device");
  await app.reload();
  await expect(app.row("kept.bin")).toContainText("On this device");
  expect((await app.saved("kept.bin")).bytes.equals(bytes)).toBe(true);
});

test("a file is removed after a question, and Cancel keeps it", async ({ context }) => {
  const app = await AppPage.open(context, namespace());
  const { page } = app;
  await app.choose("short.txt", Buffer.from("gone soon"), "text/plain");
  const remove = page.getByRole("button", { name: "Remove short.txt" });
  await remove.click();
  const question = page.getByRole("dialog", { name: "Remove “short.txt” from this device?" });
  await expect(question).toContainText("No other connected peer has it");
  await question.getByRole("button", { name: "Cancel" }).click();
  await expect(question).toBeHidden();
  await expect(app.row("short.txt")).toContainText("On this device");
  await remove.click();
  await question.getByRole("button", { name: "Remove" }).click();
  await page.mouse.move(0, 0);
  await expect(page.getByRole("heading", { name: "Share files from browser to browser" })).toBeVisible();
});

test("a text is previewed as text, whatever it would do as a page", async ({ context }) => {
  const app = await AppPage.open(context, namespace());
  const { page } = app;
  const source = "<img src=x onerror=\"document.title='run'\"><b>bold</b>";
  await app.choose("page.html", Buffer.from(source), "text/html");
  await page.getByRole("button", { name: "Preview page.html" }).click();
  await expect(page.getByRole("region", { name: "Preview of page.html" })).toHaveText(source);
  await expect(page).toHaveTitle("Peerloom");
});

test("an image is previewed, and one that is none says so", async ({ context }) => {
  const app = await AppPage.open(context, namespace());
  const { page } = app;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><rect width="40" height="20" fill="teal"/></svg>`;
  await app.choose("mark.svg", Buffer.from(svg), "image/svg+xml");
  await app.choose("broken.png", Buffer.from("not an image"), "image/png");
  await page.getByRole("button", { name: "Preview mark.svg" }).click();
  const image = page.getByRole("img", { name: "Preview of mark.svg" });
  await expect.poll(() => image.evaluate((element) => (element as HTMLImageElement).naturalWidth)).toBe(40);
  await page.getByRole("button", { name: "Preview broken.png" }).click();
  await expect(app.row("broken.png")).toContainText("can’t show it");
});

test("rows stay where they are while the pointer is over them", async ({ context }) => {
  const [one, two] = await AppPage.pair(context);
  await one.choose("first.txt", Buffer.from("1"), "text/plain");
  await two.row("first.txt").hover();
  const before = await two.row("first.txt").boundingBox();
  await one.choose("second.txt", Buffer.from("2"), "text/plain");
  const waiting = two.page.getByRole("button", { name: /1\s+new file/ });
  await expect(waiting).toBeVisible();
  expect(await two.row("first.txt").boundingBox()).toEqual(before);
  await two.page.mouse.move(0, 0);
  await expect(waiting).toBeHidden();
  await expect(two.rows.first()).toContainText("second.txt");
});

test("a folder is refused with a sentence", async ({ context }) => {
  const { page } = await AppPage.open(context, namespace());
  await page.evaluate(() => {
    const data = new DataTransfer();
    data.items.add(new File([], "folder"));
    const event = new DragEvent("drop", { dataTransfer: data, cancelable: true });
    // A script can't put a folder into a drop, so this one item says that it is one.
    DataTransferItem.prototype.webkitGetAsEntry = () => ({ isDirectory: true }) as FileSystemEntry;
    window.dispatchEvent(event);
  });
  const notice = page.getByRole("alert").filter({ hasText: "A folder can’t be added as a whole" });
  await expect(notice).toBeVisible();
  await page.getByRole("button", { name: /^Dismiss: A folder/ }).click();
  await expect(notice).toHaveCount(0);
});
