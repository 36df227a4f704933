import { afterEach, expect, test, vi } from "vitest";

import { watchEconomy } from "./economy.ts";

class Battery extends EventTarget {
  charging = true;
  level = 1;
}

class Connection extends EventTarget {
  saveData = false;
  type = "wifi";
}

afterEach(() => void vi.unstubAllGlobals());

/** What is told from here on. */
async function watched(navigator: object): Promise<{ readonly told: boolean[]; readonly over: AbortController }> {
  vi.stubGlobal("navigator", navigator);
  const told: boolean[] = [];
  const over = new AbortController();
  watchEconomy((isSaving) => void told.push(isSaving), over.signal);
  await Promise.resolve();
  return { told, over };
}

test("a battery that is low and discharges is to be spared, until it is charged", async () => {
  const battery = new Battery();
  const { told, over } = await watched({ getBattery: async () => battery });
  const become = (charging: boolean, level: number): void => {
    Object.assign(battery, { charging, level });
    battery.dispatchEvent(new Event("levelchange"));
    battery.dispatchEvent(new Event("chargingchange"));
  };
  become(false, 0.21);
  expect(told).toEqual([]);
  become(false, 0.2);
  become(false, 0.1);
  expect(told).toEqual([true]);
  become(true, 0.1);
  expect(told).toEqual([true, false]);
  over.abort();
  become(false, 0.1);
  expect(told).toEqual([true, false]);
});

test("traffic that costs is spared: asked for by the person, or mobile", async () => {
  const connection = new Connection();
  const { told } = await watched({ connection });
  for (const state of [{ saveData: true }, { type: "cellular" }, { saveData: false }, { type: "wifi" }]) {
    Object.assign(connection, state);
    connection.dispatchEvent(new Event("change"));
  }
  expect(told).toEqual([true, false]);
});

test("what is so from the start is told at once, or as soon as the browser says it", async () => {
  const connection = Object.assign(new Connection(), { saveData: true });
  expect((await watched({ connection })).told).toEqual([true]);
  const battery = Object.assign(new Battery(), { charging: false, level: 0.05 });
  expect((await watched({ getBattery: async () => battery })).told).toEqual([true]);
});

test("where nothing is said, or the battery is kept from the page, nothing is spared", async () => {
  expect((await watched({})).told).toEqual([]);
  expect((await watched({ getBattery: () => Promise.reject(new Error("forbidden")) })).told).toEqual([]);
});
