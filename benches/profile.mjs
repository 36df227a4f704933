// Where the time goes: processor profiles of both tabs, as files that Chromium's developer tools open.

import { writeFileSync } from "node:fs";

/** Shorter than a task that handles one frame. */
const SAMPLE_INTERVAL_MICROS = 200;

/** Runs `work` and writes `<path>-sender.cpuprofile` and `<path>-receiver.cpuprofile`. */
export async function profiled(browser, tabs, path, work) {
  const sessions = await Promise.all(tabs.map((tab) => browser.session(tab)));
  for (const session of sessions) {
    await session.send("Profiler.enable");
    await session.send("Profiler.setSamplingInterval", { interval: SAMPLE_INTERVAL_MICROS });
    await session.send("Profiler.start");
  }
  await work();
  for (const [index, role] of ["sender", "receiver"].entries()) {
    const { profile } = await sessions[index].send("Profiler.stop");
    writeFileSync(`${path}-${role}.cpuprofile`, JSON.stringify(profile));
    await sessions[index].detach();
  }
}
