// What a list of samples says.

/** The middle one, or the mean of the two in the middle. Null for no samples. */
export function median(samples) {
  const sorted = samples.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle];
  if (upper === undefined) return null;
  return sorted.length % 2 === 1 ? upper : (sorted[middle - 1] + upper) / 2;
}

/** The least, the middle and the greatest of the samples. */
export function spread(samples) {
  if (samples.length === 0) return null;
  return { min: Math.min(...samples), median: median(samples), max: Math.max(...samples) };
}
