import { expect, test } from "@playwright/test";

import { idOf, openPair, ready, until } from "./support/tabs.ts";

// Browsers keep no page with connections and locks for going back, as far as they say; the events come all the same
// wherever one does, so they are made here.
const leave = (): boolean => dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true }));
const comeBack = (): boolean => dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));

test("a page that is kept for going back says goodbye, and is there again when it is shown", async ({ context }) => {
  const [one, two] = await openPair(context);
  const id = await idOf(two);
  await two.evaluate(leave);
  await until(one, "peer:lose", { id });
  expect(await two.evaluate(() => window.lab.swarm.status.state)).toBe("stopped");
  await two.evaluate(comeBack);
  await Promise.all([ready(one), ready(two)]);
  expect(await idOf(two)).toBe(id);
});

test("a page that was stopped when it was left stays stopped", async ({ context }) => {
  const [one, two] = await openPair(context);
  await two.evaluate(() => window.lab.swarm.stop());
  await until(one, "peer:lose", { id: await idOf(two) });
  await two.evaluate(leave);
  await two.evaluate(comeBack);
  expect(await two.evaluate(() => window.lab.swarm.status.state)).toBe("stopped");
});
