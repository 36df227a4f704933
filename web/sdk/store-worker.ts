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

/** Answers that are ready at the same moment share a message, since each wakes a thread. */
let ready: StoreResponse[] = [];

/** How many microtasks later an answer still belongs to the same moment: who waits for a put is told some after its sender. */
const GATHER_TURNS = 8;

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
    void send();
  }
}

async function send(): Promise<void> {
  for (let turn = 0; turn < GATHER_TURNS; turn++) {
    await undefined;
  }
  const responses = ready;
  ready = [];
  scope.postMessage(
    responses,
    responses.flatMap((response) => (response.ok ? transfersOf(response.result) : [])),
  );
}
