/** A bare data channel between two connections of this page: what the browser itself can do here and now. */

import { settle } from "./waiting.ts";

const MESSAGE_BYTES = 64 * 1024;

/** The sender stops at the upper mark and goes on at the lower one, as Peerloom's benchmark has it. */
const BUFFERED_BYTES_HIGH = 1024 * 1024;
const BUFFERED_BYTES_LOW = 256 * 1024;

const OPEN_MS_MAX = 20_000;
const SEND_MS_MAX = 120_000;

/** Sends so many bytes and returns how many a second arrived, the connecting not counted. */
export async function rawBytesPerSecond(bytes: number, rtc: RTCConfiguration, signal: AbortSignal): Promise<number> {
  const [one, two] = [new RTCPeerConnection(rtc), new RTCPeerConnection(rtc)];
  try {
    const [from, to] = [channelOf(one), channelOf(two)];
    const opened = Promise.all([untilOpen(from, signal), untilOpen(to, signal)]);
    exchange(one, two);
    exchange(two, one);
    await one.setLocalDescription();
    await two.setRemoteDescription(one.localDescription as RTCSessionDescription);
    await two.setLocalDescription();
    await one.setRemoteDescription(two.localDescription as RTCSessionDescription);
    await opened;
    const begun = performance.now();
    const arrived = untilArrived(to, bytes, signal);
    await Promise.all([send(from, bytes, signal), arrived]);
    return bytes / ((performance.now() - begun) / 1000);
  } finally {
    one.close();
    two.close();
  }
}

function channelOf(connection: RTCPeerConnection): RTCDataChannel {
  const channel = connection.createDataChannel("raw", { negotiated: true, id: 0 });
  channel.binaryType = "arraybuffer";
  channel.bufferedAmountLowThreshold = BUFFERED_BYTES_LOW;
  return channel;
}

/** Hands the candidates of one to the other; those that come before its description wait for it. */
function exchange(from: RTCPeerConnection, to: RTCPeerConnection): void {
  const early: RTCIceCandidate[] = [];
  const add = (candidate: RTCIceCandidate): void => void to.addIceCandidate(candidate).catch(() => undefined);
  from.addEventListener("icecandidate", ({ candidate }) => {
    if (candidate === null) return;
    if (to.remoteDescription === null) early.push(candidate);
    else add(candidate);
  });
  to.addEventListener("signalingstatechange", () => {
    if (to.remoteDescription !== null) for (const candidate of early.splice(0)) add(candidate);
  });
}

function untilOpen(channel: RTCDataChannel, signal: AbortSignal): Promise<void> {
  return settle((done, _fail, over) => channel.addEventListener("open", () => done(), { signal: over }), OPEN_MS_MAX, signal);
}

function untilArrived(channel: RTCDataChannel, bytes: number, signal: AbortSignal): Promise<void> {
  let received = 0;
  return settle(
    (done, fail, over) => {
      channel.addEventListener("close", () => fail(new Error("the bare channel closed")), { signal: over });
      channel.addEventListener(
        "message",
        ({ data }: MessageEvent<ArrayBuffer>) => {
          received += data.byteLength;
          if (received >= bytes) done();
        },
        { signal: over },
      );
    },
    SEND_MS_MAX,
    signal,
  );
}

async function send(channel: RTCDataChannel, bytes: number, signal: AbortSignal): Promise<void> {
  const message = new Uint8Array(MESSAGE_BYTES);
  for (let sent = 0; sent < bytes; sent += message.byteLength) {
    signal.throwIfAborted();
    if (channel.bufferedAmount > BUFFERED_BYTES_HIGH) {
      await settle<void>((done, _fail, over) => channel.addEventListener("bufferedamountlow", () => done(), { signal: over }), SEND_MS_MAX, signal);
    }
    channel.send(bytes - sent < MESSAGE_BYTES ? message.subarray(0, bytes - sent) : message);
  }
}
