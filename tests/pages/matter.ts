/** Content that both sides of a test can make for themselves: the bytes follow from a seed and where they are. */

/** What a stream held, compared with what a seed makes. */
export interface Comparison {
  readonly bytes: number;
  /** Where the first byte is that differs; null if none does. */
  readonly wrongAt: number | null;
}

/** The bytes from `start` to before `end`. They do not compress, and no chunk is like another. */
export function matter(seed: number, start: number, end: number): Uint8Array<ArrayBuffer> {
  const first = start >>> 2;
  const words = new Uint32Array(Math.max(0, Math.ceil(end / 4) - first));
  for (let i = 0; i < words.length; i++) {
    // The finaliser of MurmurHash3, over the position.
    let word = Math.imul((first + i) ^ Math.imul(seed, 0x9e37_79b1), 0x85eb_ca6b);
    word = Math.imul(word ^ (word >>> 13), 0xc2b2_ae35);
    words[i] = word ^ (word >>> 16);
  }
  const offset = start - first * 4;
  return new Uint8Array(words.buffer, offset, end - start);
}

/** The same as a stream, made while it is read. */
export function matterStream(seed: number, bytes: number, pieceBytes = 1 << 20): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream(
    {
      pull: (controller) => {
        const end = Math.min(at + pieceBytes, bytes);
        if (end > at) {
          controller.enqueue(matter(seed, at, end));
        }
        at = end;
        if (at === bytes) {
          controller.close();
        }
      },
    },
    { highWaterMark: 0 },
  );
}

/** Reads a stream piece by piece and compares it with what `seed` makes from `start` on. */
export async function compare(stream: ReadableStream<Uint8Array>, seed: number, start = 0): Promise<Comparison> {
  let at = start;
  let wrongAt: number | null = null;
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      return { bytes: at - start, wrongAt };
    }
    const expected = matter(seed, at, at + value.length);
    for (let i = 0; i < value.length && wrongAt === null; i++) {
      if (value[i] !== expected[i]) {
        wrongAt = at + i;
      }
    }
    at += value.length;
  }
}
