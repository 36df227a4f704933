/** What a content is to a person; decides its preview, and names its icon. */
export type Kind = "image" | "audio" | "video" | "text" | "archive" | "file";

/** Shown in an `<img>`, where even SVG runs no script; other image types browsers can't show. */
const IMAGES: ReadonlySet<string> = new Set([
  "image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp", "image/svg+xml", "image/x-icon",
]);

const TEXTS: ReadonlySet<string> = new Set([
  "application/json", "application/ld+json", "application/xml", "application/javascript", "application/x-javascript",
  "application/yaml", "application/x-yaml", "application/toml", "application/x-sh", "application/sql", "application/x-ndjson",
]);

const ARCHIVES: ReadonlySet<string> = new Set([
  "application/zip", "application/gzip", "application/x-tar", "application/x-7z-compressed", "application/x-bzip2",
  "application/x-xz", "application/zstd", "application/x-rar-compressed", "application/vnd.rar", "application/x-zip-compressed",
]);

/** Systems give no type for many text files, so their ending speaks. */
const TEXT_ENDINGS = /\.(?:txt|md|markdown|log|csv|tsv|json|ya?ml|toml|ini|conf|xml|html?|css|m?[jt]sx?|rs|py|rb|go|c|h|cc|cpp|hpp|java|kt|swift|sh|sql|diff|patch)$/iu;

const WORDS: Readonly<Record<string, string>> = {
  "application/pdf": "PDF",
  "application/zip": "ZIP archive",
  "application/json": "JSON",
  "application/gzip": "gzip archive",
  "application/msword": "Word document",
  "application/wasm": "WebAssembly",
  "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "Word document",
  "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "Excel sheet",
  "application/vnd.oasis.opendocument.text": "Document",
  "image/jpeg": "JPEG image",
  "image/svg+xml": "SVG image",
  "audio/mpeg": "MP3 audio",
  "text/plain": "Text",
  "text/markdown": "Markdown",
  "video/quicktime": "QuickTime video",
};

/** The type without its parameters, in lower case. */
export function essence(mime: string): string {
  return (mime.split(";")[0] ?? "").trim().toLowerCase();
}

export function kindOf(mime: string, name: string): Kind {
  const type = essence(mime);
  if (IMAGES.has(type)) return "image";
  if (type.startsWith("audio/")) return "audio";
  if (type.startsWith("video/")) return "video";
  if (type.startsWith("text/") || TEXTS.has(type)) return "text";
  if (ARCHIVES.has(type)) return "archive";
  if ((type === "" || type === "application/octet-stream") && TEXT_ENDINGS.test(name)) return "text";
  return "file";
}

/** Returns whether the app can show such a content. */
export function previewable(kind: Kind): boolean {
  return kind !== "archive" && kind !== "file";
}

/** Returns a type as people say it: `PNG image`, `PDF`, `Text`; the ending in capitals where nothing is known. */
export function typeWords(mime: string, name: string): string {
  const type = essence(mime);
  const known = WORDS[type];
  if (known !== undefined) return known;
  const [family = "", rest = ""] = type.split("/");
  const ending = /\.([a-z0-9]{1,5})$/iu.exec(name)?.[1]?.toUpperCase();
  const short = /^[a-z0-9]{2,5}$/u.test(rest) ? `${rest.toUpperCase()} ` : "";
  if (family === "image" || family === "audio" || family === "video") return sentenceCase(`${short}${family}`);
  if (ending !== undefined) return `${ending} file`;
  return family === "text" ? "Text" : "File";
}

function sentenceCase(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
