/** The store's worker: the one place where sync access handles exist. It only carries messages; the engine does the work. */

import { StoreEngine } from "./store/engine.ts";
import { toStoreFailure } from "./store/failure.ts";
import { transfersOf, type StoreRequest, type StoreResponse } from "./store/protocol.ts";

/** `DedicatedWorkerGlobalScope`, as far as it is used: its types and the page's can't be had at once. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<StoreRequest>) => void) | null;
  postMessage(response: StoreResponse, transfer: Transferable[]): void;
}

const scope = globalThis as unknown as WorkerScope;
const engine = new StoreEngine();

scope.onmessage = (event) => void answer(event.data);

async function answer(request: StoreRequest): Promise<void> {
  try {
    const result = await engine.handle(request);
    scope.postMessage({ id: request.id, ok: true, result }, transfersOf(result));
  } catch (cause) {
    const { code, message } = toStoreFailure(cause);
    scope.postMessage({ id: request.id, ok: false, code, message }, []);
  }
}
