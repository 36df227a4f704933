/** What several measurements of the same thing come to. Pure functions. */

/** The middle one, the least and the most of what was measured. */
export interface Spread {
  readonly count: number;
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Returns null if nothing was measured. */
export function spread(values: readonly number[]): Spread | null {
  const middle = median(values);
  if (middle === null) return null;
  return { count: values.length, median: middle, min: Math.min(...values), max: Math.max(...values) };
}

/** Returns the middle one of those that are measured; null if none is. */
export function median(values: readonly (number | null)[]): number | null {
  const measured = values.filter((value): value is number => value !== null).sort((a, b) => a - b);
  if (measured.length === 0) return null;
  const middle = Math.floor(measured.length / 2);
  const upper = measured[middle] ?? 0;
  return measured.length % 2 === 1 ? upper : (upper + (measured[middle - 1] ?? upper)) / 2;
}
