import { defineConfig } from "vite";

const headers = {
  "X-Content-Type-Options": "nosniff",
  // A share link's key is in the fragment, which is never sent; the rest of the address is nobody's business either.
  "Referrer-Policy": "no-referrer",
};

// Tests serve a tree that nobody edits meanwhile; a reload in the middle of one would be a failure without a cause.
const isUnderTest = process.env["PEERLOOM_UNDER_TEST"] === "1";

// Where `peerloom-server` is, for pages that Vite serves: they ask for it at their own origin, as they do when it serves them itself.
const target = process.env["PEERLOOM_SERVER_URL"];
const proxy = target === undefined ? {} : { proxy: { "/v1": { target, ws: true } } };

export default defineConfig({
  // Several pages of their own, so that a missing file is a 404 and not the app's page with the wrong MIME type.
  appType: "mpa",
  // The built app works in any folder of any server.
  base: "./",
  clearScreen: false,
  // Without "development": Lit's development build only adds warnings to the console of whoever tries the app.
  resolve: { conditions: ["module", "browser"] },
  server: {
    host: "127.0.0.1",
    headers,
    ...proxy,
    hmr: isUnderTest ? false : {},
    watch: isUnderTest ? null : { ignored: ["**/target/**", "**/crates/**", "**/dist/**", "**/test-results/**"] },
  },
  preview: { host: "127.0.0.1", headers, ...proxy },
  worker: { format: "es" },
  build: {
    outDir: "dist/app",
    emptyOutDir: true,
    target: "es2022",
    // The WASM core has to stay a file, for streaming compilation.
    assetsInlineLimit: 0,
  },
});
