/** Numbers, times, ids and names as people read them. Pure functions, no locale: units stay the same in every screenshot. */

/** Keeps a number and its unit on one line. */
const NBSP = "\u00a0";

const BYTE_UNITS = ["B", "kB", "MB", "GB", "TB", "PB"] as const;

/** How many characters of an id are shown: 32 bits, enough to tell the peers of one swarm apart, not to prove one. */
const SHORT_ID_CHARS = 8;

/** The longest name shown, in UTF-16 units; what a peer wrote must not fill the page. */
const NAME_CHARS_MAX = 200;

/** Control characters, and the bidirectional ones with which `gpj.exe` is made to look like `exe.jpg`. */
const DECEPTIVE = /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu;

/** Returns a byte count in decimal units with at most one decimal: `0 B`, `999 B`, `12.4 MB`, `124 MB`. */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes) || bytes < 1) return `0${NBSP}B`;
  let value = bytes;
  let unit = 0;
  // 999.5 and not 1,000: "1000 kB" would be the rounded form of 999,600 bytes.
  while (value >= 999.5 && unit < BYTE_UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit > 0 && value < 99.95 ? 1 : 0;
  return `${value.toFixed(digits)}${NBSP}${BYTE_UNITS[unit] ?? "B"}`;
}

/** Returns a rate, from bytes per second: `12.4 MB/s`. */
export function formatRate(bytesPerSecond: number): string {
  return `${formatBytes(bytesPerSecond)}/s`;
}

/** Returns a duration in its two largest units: `under 1 s`, `12 s`, `3 min 20 s`, `2 h 5 min`, `3 days`. */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms) || ms < 0) return "unknown";
  const seconds = Math.round(ms / 1000);
  if (seconds < 1) return `under 1${NBSP}s`;
  if (seconds < 60) return `${seconds}${NBSP}s`;
  const minutes = Math.floor(seconds / 60);
  // Seconds say nothing once ten minutes are left, and they flicker.
  if (minutes < 10) return withRest(minutes, "min", seconds % 60, "s");
  if (minutes < 60) return `${minutes}${NBSP}min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return withRest(hours, "h", minutes % 60, "min");
  return `${Math.floor(hours / 24)}${NBSP}days`;
}

/** Returns a round trip time: `<1 ms`, `34 ms`, `1.2 s`; an en dash while it is not measured. */
export function formatRtt(ms: number | null): string {
  if (ms === null || !Number.isFinite(ms)) return "–";
  if (ms < 1) return `<1${NBSP}ms`;
  if (ms < 999.5) return `${Math.round(ms)}${NBSP}ms`;
  return `${(ms / 1000).toFixed(1)}${NBSP}s`;
}

/** Returns a round trip with how far round trips are from it: `12 ms ± 3 ms`. */
export function formatRttSpread(ms: number | null, variationMs: number | null): string {
  const middle = formatRtt(ms);
  return ms === null || variationMs === null ? middle : `${middle}${NBSP}±${NBSP}${formatRtt(variationMs)}`;
}

/** Returns a share of a whole as whole percent; rounded down, so that 100 % means complete. */
export function formatPercent(done: number, total: number): string {
  return `${Math.floor(fraction(done, total) * 100)}${NBSP}%`;
}

/** Returns `done / total` within 0 and 1; an empty total counts as not begun. */
export function fraction(done: number, total: number): number {
  if (!(total > 0)) return 0;
  return Math.min(1, Math.max(0, done / total));
}

/** Returns a count with its noun: `1 peer`, `3 peers`. */
export function formatCount(count: number, one: string, many = `${one}s`): string {
  return `${count}${NBSP}${count === 1 ? one : many}`;
}

/** Returns the local time of day with milliseconds, `09:41:07.250`, from milliseconds since the Unix epoch. */
export function formatClock(unixMs: number): string {
  const date = new Date(unixMs);
  const two = (value: number): string => String(value).padStart(2, "0");
  const ms = String(date.getMilliseconds()).padStart(3, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${ms}`;
}

/** Returns the part of an id that people compare: its first 8 characters. */
export function shortId(id: string): string {
  return id.slice(0, SHORT_ID_CHARS);
}

/** Returns a peer's text as one line that can't deceive: no control or direction characters, bounded in length. */
export function cleanName(text: string): string {
  const line = text.replace(DECEPTIVE, " ").replace(/\s+/gu, " ").trim();
  if (line === "") return "Unnamed";
  if (line.length <= NAME_CHARS_MAX) return line;
  // The end is kept because it carries the file's extension.
  return `${line.slice(0, NAME_CHARS_MAX - 24)}…${line.slice(-20)}`;
}

function withRest(value: number, unit: string, rest: number, restUnit: string): string {
  if (rest === 0) return `${value}${NBSP}${unit}`;
  return `${value}${NBSP}${unit} ${rest}${NBSP}${restUnit}`;
}
