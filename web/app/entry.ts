import type { ContentId, ContentInfo, Download, Progress, ShareLink } from "../sdk/index.ts";
import { cleanName, shortId } from "../ui/format.ts";
import { RateMeter } from "../ui/rate.ts";
import { kindOf, typeWords } from "./kinds.ts";
import type { Kind } from "./kinds.ts";
import type { Sending } from "./uploads.ts";

/** What is being done with a content at present. */
export type Work =
  | { readonly state: "none" }
  | { readonly state: "queued"; readonly file: File; readonly abort: AbortController }
  | { readonly state: "adding"; readonly file: File; readonly abort: AbortController; readonly meter: RateMeter; progress: Progress | null }
  /** Without a download it is wanted and waits for P2P to be on. */
  | { readonly state: "fetching"; readonly download: Download | null; readonly meter: RateMeter; progress: Progress | null }
  | { readonly state: "paused"; readonly download: Download | null; readonly progress: Progress | null }
  | { readonly state: "failed"; readonly failure: Failure; readonly progress: Progress | null };

/** Why something ended early, and what trying again would do. */
export interface Failure {
  readonly text: string;
  readonly again: { readonly what: "add"; readonly file: File } | { readonly what: "fetch" };
}

/** One row of the list while it lives; its key stays when a file that is being added becomes a content. */
export interface Item {
  readonly key: string;
  id: ContentId | null;
  info: ContentInfo | null;
  /** With what to ask for it: the link that was opened, else the id. */
  what: ShareLink | ContentId | null;
  work: Work;
}

/** How a row reads; a new object whenever anything of it changed. */
export interface Entry {
  readonly key: string;
  readonly id: ContentId | null;
  readonly name: string;
  readonly mime: string;
  readonly kind: Kind;
  readonly type: string;
  readonly bytes: number;
  readonly encrypted: boolean;
  /** Connected peers that have it whole. */
  readonly providers: number;
  readonly activity: Activity;
  readonly sending: Sending | null;
}

export type Activity =
  | { readonly state: "queued" | "available" | "partial" | "complete" | "gone" }
  | { readonly state: "adding"; readonly doneBytes: number; readonly totalBytes: number; readonly perSecond: number }
  /** A link was opened and nobody has told yet what it is. */
  | { readonly state: "looking"; readonly off: boolean }
  | {
      readonly state: "fetching";
      readonly doneBytes: number;
      readonly totalBytes: number;
      readonly perSecond: number;
      readonly sources: number;
      /** P2P is off, so nothing moves. */
      readonly off: boolean;
    }
  | { readonly state: "paused"; readonly doneBytes: number; readonly totalBytes: number }
  | { readonly state: "failed"; readonly text: string; readonly doneBytes: number; readonly totalBytes: number };

/** What is true of the moment and not of the item. */
export interface Moment {
  readonly nowMs: number;
  readonly off: boolean;
  readonly gone: boolean;
  readonly sending: Sending | null;
}

export function newItem(key: string, work: Work): Item {
  return { key, id: null, info: null, what: null, work };
}

export function fetching(download: Download | null, progress: Progress | null): Work {
  return { state: "fetching", download, meter: new RateMeter(), progress };
}

/** Returns the bytes that are here as far as is known, or null while nothing is known. */
export function progressOf(work: Work): Progress | null {
  return "progress" in work ? work.progress : null;
}

export function entryOf(item: Item, moment: Moment): Entry {
  const file = "file" in item.work ? item.work.file : item.work.state === "failed" && item.work.failure.again.what === "add" ? item.work.failure.again.file : null;
  const { info } = item;
  const fallback = item.id === null ? "Shared file" : `Shared file ${shortId(item.id)}`;
  const name = cleanName(info?.name ?? file?.name ?? fallback);
  const mime = info?.mime ?? file?.type ?? "";
  return {
    key: item.key,
    id: item.id,
    name,
    mime,
    kind: kindOf(mime, name),
    type: info === null && file === null ? "Not known yet" : typeWords(mime, name),
    bytes: info?.bytes ?? file?.size ?? 0,
    encrypted: info?.encrypted ?? false,
    providers: info?.providers ?? 0,
    activity: activityOf(item, moment),
    sending: moment.sending,
  };
}

function activityOf({ info, work }: Item, { nowMs, off, gone }: Moment): Activity {
  const progress = progressOf(work);
  const doneBytes = progress?.doneBytes ?? 0;
  const totalBytes = progress?.totalBytes || (info?.bytes ?? 0);
  switch (work.state) {
    case "queued":
      return { state: "queued" };
    case "adding":
      return { state: "adding", doneBytes, totalBytes: totalBytes || work.file.size, perSecond: work.meter.perSecond(nowMs) };
    case "fetching":
      if (info === null) return { state: "looking", off };
      return { state: "fetching", doneBytes, totalBytes, perSecond: work.meter.perSecond(nowMs), sources: progress?.sources ?? 0, off };
    case "paused":
      return { state: "paused", doneBytes, totalBytes };
    case "failed":
      return { state: "failed", text: work.failure.text, doneBytes, totalBytes };
    case "none":
      if (gone) return { state: "gone" };
      if (info?.complete === true) return { state: "complete" };
      return { state: info?.local === "partial" ? "partial" : "available" };
  }
}
