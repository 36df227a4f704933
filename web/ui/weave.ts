/** The pattern of an avatar: the first bytes of an id give two hues, the next 16 bits say which thread lies on top. */

/** Threads in each direction. Four give 16 crossings, which still read at 24 px. */
export const THREADS = 4;

export interface Cloth {
  readonly ground: string;
  /** The colour of the upright threads, and of those across. */
  readonly warp: string;
  readonly weft: string;
  /** For each crossing, row by row, whether the upright thread lies on top. */
  readonly upright: readonly boolean[];
}

/** Returns the cloth of an id. */
export function weave(id: string): Cloth {
  const byte = (index: number): number => Number.parseInt(id.slice(index * 2, index * 2 + 2), 16) || 0;
  const warp = Math.round((byte(0) / 256) * 360);
  // At least 70 degrees apart, so that the two threads of one cloth can be told from each other.
  const weft = (warp + 70 + Math.round((byte(1) / 256) * 220)) % 360;
  const over = (byte(2) << 8) | byte(3);
  return {
    ground: `oklch(0.3 0.06 ${warp})`,
    warp: `oklch(0.62 0.14 ${warp})`,
    weft: `oklch(0.8 0.12 ${weft})`,
    upright: Array.from({ length: THREADS * THREADS }, (_, index) => ((over >> index) & 1) === 1),
  };
}
