/** Makes the store's worker. Bundlers look for exactly this expression; the package build puts the built name into it. */
export function storeWorker(): Worker {
  return new Worker(new URL("./store-worker.ts", import.meta.url), { type: "module", name: "peerloom-store" });
}
