/** The store's worker: the one place where sync access handles exist. It only carries messages; the engine does the work. */

import { StoreEngine } from "./store/engine.ts";
import { toStoreFailure } from "./store/failure.ts";
import { transfersOf, type StoreRequest, type StoreResponse } from "./store/protocol.ts";

/** `DedicatedWorkerGlobalScope`, as far as it is used: its types and the page's can't be had at once. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<StoreRequest>) => void) | null;
  postMessage(responses: readonly StoreResponse[], transfer: Transferable[]): void;
}

const scope = globalThis as unknown as WorkerScope;
const engine = new StoreEngine();

/** Answers that are ready at the same moment: puts that one transaction stored. They share a message, which wakes a thread. */
let ready: StoreResponse[] = [];

scope.onmessage = (event) => void answer(event.data);

async function answer(request: StoreRequest): Promise<void> {
  let response: StoreResponse;
  try {
    response = { id: request.id, ok: true, result: await engine.handle(request) };
  } catch (cause) {
    const { code, message } = toStoreFailure(cause);
    response = { id: request.id, ok: false, code, message };
  }
  ready.push(response);
  if (ready.length === 1) {
    queueMicrotask(send);
  }
}

function send(): void {
  const responses = ready;
  ready = [];
  scope.postMessage(
    responses,
    responses.flatMap((response) => (response.ok ? transfersOf(response.result) : [])),
  );
}
