import { html } from "lit";
import type { TemplateResult } from "lit";
import { formatRate, formatRtt } from "../../ui/format.ts";
import "../time-chart.ts";
import type { Period } from "../time-chart.ts";
import { SAMPLES_MAX } from "./history.ts";
import type { Series } from "./history.ts";

/** One sample a second. */
const PERIOD: Period = { kind: "last", seconds: SAMPLES_MAX, words: "over the last five minutes" };

/** The axes are no finer than this while nothing goes on: 10 kB/s, 20 ms. */
const RATE_LEAST = 10_000;
const RTT_LEAST_MS = 20;

/** Zero is a place on the axis, and no round trip. */
const roundTrip = (value: number | null): string => (value === 0 ? "0" : formatRtt(value));
const rate = (value: number | null): string => (value === null ? "–" : formatRate(value));

/** Returns the two charts of a peer, or of all peers together. */
export function charts(series: Series, rttHeading: string): TemplateResult {
  return html`
    <peerloom-time-chart
      .heading=${rttHeading}
      .at=${series.at}
      .lines=${[{ name: "", values: series.rttMs, colour: "accent" }]}
      .format=${roundTrip}
      .period=${PERIOD}
      .least=${RTT_LEAST_MS}
    ></peerloom-time-chart>
    <peerloom-time-chart
      .heading=${"Rates"}
      .at=${series.at}
      .lines=${[
        { name: "In", values: series.inPerSecond, colour: "accent" },
        { name: "Out", values: series.outPerSecond, colour: "text", dashed: true },
      ]}
      .format=${rate}
      .period=${PERIOD}
      .least=${RATE_LEAST}
    ></peerloom-time-chart>
  `;
}
