import { cleanName } from "../ui/format.ts";

/**
 * How long the object URL of a saved file lives. The browser takes hold of the blob when it begins to write, and tells
 * nobody when; a person may think for a while about where to put it. Guess.
 */
const URL_MS = 120_000;

/** Hands a blob to the browser's downloads under a name. */
export function saveBlob(blob: Blob, name: string): void {
  // An opaque type: whatever a peer wrote as its type, the browser must store it and never open it as a page.
  const url = URL.createObjectURL(blob.slice(0, blob.size, "application/octet-stream"));
  const anchor = document.createElement("a");
  anchor.href = url;
  anchor.download = cleanName(name);
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(url), URL_MS);
}
