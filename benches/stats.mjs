// What a list of samples says.

/** The middle one, or the mean of the two in the middle. Null for no samples. */
export function median(samples) {
  const sorted = samples.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle];
  if (upper === undefined) return null;
  return sorted.length % 2 === 1 ? upper : (sorted[middle - 1] + upper) / 2;
}

/** Durations in milliseconds under `key` of samples, as a table shows them: the median and the worst, in seconds. */
export function secondsOf(samples, key) {
  const seconds = samples.map((sample) => sample[key] / 1000);
  const shown = (value) => `${value.toFixed(value < 1 ? 2 : 1)} s`;
  return { median: shown(median(seconds)), worst: shown(Math.max(...seconds)) };
}

/** What differs among samples, sorted, in words. */
export function distinct(values) {
  return [...new Set(values)].sort((a, b) => (a < b ? -1 : 1)).join(" or ");
}
