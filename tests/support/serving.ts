/** Transfers that stand still half-way for as long as a story needs, however fast the machine is. */

import type { Page } from "@playwright/test";

/** Enough for a manifest and several chunks. */
const HALF_WAY_BYTES = 4_000_000;

/** From now on this tab sends so much of its contents and no more, until `serveAll`. What it would send waits. */
export async function serveSome(page: Page, bytes = HALF_WAY_BYTES): Promise<void> {
  await page.evaluate((bytesMax) => {
    const send = RTCDataChannel.prototype.send as (this: RTCDataChannel, data: ArrayBufferView<ArrayBuffer>) => void;
    const held: (() => void)[] = [];
    let left = bytesMax;
    RTCDataChannel.prototype.send = function (this: RTCDataChannel, data: unknown) {
      const frame = data as Uint8Array<ArrayBuffer>;
      if (this.label !== "bulk" || left > 0) {
        left -= this.label === "bulk" ? frame.byteLength : 0;
        send.call(this, frame);
        return;
      }
      // A copy: its buffer is used again as soon as the channel has nothing left to send.
      const copy = frame.slice();
      held.push(() => {
        if (this.readyState === "open") send.call(this, copy);
      });
    };
    window.serveAll = () => {
      RTCDataChannel.prototype.send = send as typeof RTCDataChannel.prototype.send;
      for (const go of held) go();
    };
  }, bytes);
}

export const serveAll = (page: Page): Promise<void> => page.evaluate(() => window.serveAll());

declare global {
  interface Window {
    serveAll: () => void;
  }
}
