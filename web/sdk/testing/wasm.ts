/** The boundary to the simulated world: what `generated/peerloom_testing.js` exports. */

import type { Host, NodeHandle, WasmSource } from "../wasm.ts";

/** The generated module. */
export interface TestingModule {
  default(source: { module_or_path: WasmSource }): Promise<unknown>;
  readonly SimWorld: new (seed: number, ...conditions: WorldConditions) => SimWorld;
}

/** Least and greatest latency in milliseconds, packets lost of a million, bytes a second. */
export type WorldConditions = [latencyMin: number, latencyMax: number, lossPpm: number, bytesPerSecond: number];

export interface SimWorld {
  readonly nowMs: number;
  readonly unixMs: number;
  /** The n-th tab has the n-th identity, which stays. Undefined beyond the most. */
  open(tab: number, app: string, channels: readonly string[], maxConnections: number, host: Host): SimNode | undefined;
  /** Runs until something was told to a host, or until that time; returns whether it is that time. */
  run(endMs: number): boolean;
  shape(...conditions: [...WorldConditions, between: Uint32Array | null]): void;
  /** The tabs of each island; all others are together. */
  partition(islands: readonly Uint32Array[]): void;
  free(): void;
}

export interface SimNode extends NodeHandle {
  /** Nothing of it runs until it is `resumed`, and it is not told. */
  sleep(): void;
  /** What it would say at its end is not said. */
  silence(): void;
  random(length: number): Uint8Array;
}
