import { createServer } from "node:net";

import { defineConfig, type Project } from "@playwright/test";

// Configuration is read once more by each worker, which inherits the environment: so all of them agree on the port,
// and two runs at the same time do not.
process.env["PEERLOOM_PORT"] ??= String(await freePort());
const port = Number(process.env["PEERLOOM_PORT"]);
process.env["PEERLOOM_SERVER_PORT"] ??= String(await freePort());
const serverUrl = `http://127.0.0.1:${process.env["PEERLOOM_SERVER_PORT"]}`;
// `cargo xtask test e2e` builds it, and says where.
const serverBinary = process.env["PEERLOOM_SERVER"] ?? "target/debug/peerloom-server";
const isPackageOnly = /--project[ =]package$/.test(process.argv.join(" "));

const chromium: Project["use"] = {
  browserName: "chromium",
  launchOptions: {
    executablePath: "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  },
};

export default defineConfig({
  testDir: "tests",
  // A flaky test is a fault to be found: none is tried twice. Two tabs use both cores, so one test runs at a time.
  retries: 0,
  workers: 1,
  fullyParallel: false,
  forbidOnly: true,
  // They end what hangs. What only takes long, on a machine that others use too, is no failure.
  timeout: 180_000,
  expect: { timeout: 60_000 },
  reporter: [["list"]],
  // No traces: their screenshots take a core from the transfer that is being tested.
  use: { baseURL: `http://127.0.0.1:${port}`, trace: "off" },
  projects: [
    {
      name: "chromium",
      testIgnore: "package.spec.ts",
      use: chromium,
    },
    {
      name: "firefox",
      testIgnore: "package.spec.ts",
      grep: /@firefox/,
      // The channel makes Playwright drive a Firefox as Debian ships it, over WebDriver BiDi; up to Playwright 1.64.1.
      use: {
        browserName: "firefox",
        launchOptions: { channel: "moz-firefox", executablePath: "/usr/bin/firefox-esr" },
      },
    },
    {
      // Other people's projects, which bring their own servers.
      name: "package",
      testMatch: "package.spec.ts",
      use: chromium,
    },
  ],
  ...(isPackageOnly
    ? {}
    : {
        webServer: [
          {
            command: `node node_modules/vite/bin/vite.js --port ${port} --strictPort --logLevel warn`,
            url: `http://127.0.0.1:${port}/`,
            env: { PEERLOOM_UNDER_TEST: "1", PEERLOOM_SERVER_URL: serverUrl },
            timeout: 60_000,
          },
          {
            command: `${serverBinary} --listen ${new URL(serverUrl).host} --log warn`,
            url: `${serverUrl}/healthz`,
            timeout: 60_000,
          },
        ],
      }),
});

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => {
        if (address !== null && typeof address === "object") resolve(address.port);
        else reject(new Error("the system gave no port"));
      });
    });
  });
}
