/** Bytes that own an `ArrayBuffer`, so that they can be transferred and digested. */
export type Bytes = Uint8Array<ArrayBuffer>;
