/**
 * Whether the device has power and traffic to spare: as far as the browser says so. Firefox and Safari say nothing; then
 * it has.
 */

/** A battery that discharges and has no more than this is to be spared: here browsers turn their own savers on. */
const BATTERY_LOW = 0.2;

/** What Chromium tells of battery and network; not in TypeScript's library, since no other engine does. */
interface Battery extends EventTarget {
  readonly charging: boolean;
  /** 0 to 1. */
  readonly level: number;
}
interface Connection extends EventTarget {
  readonly saveData?: boolean;
  readonly type?: string;
}
type NavigatorThatTells = Navigator & {
  readonly connection?: Connection;
  readonly getBattery?: () => Promise<Battery>;
};

/** Tells whether to be sparing, whenever that changes; at first it is not. Listens until `signal` fires. */
export function watchEconomy(onChange: (isSaving: boolean) => void, signal: AbortSignal): void {
  const { connection, getBattery } = navigator as NavigatorThatTells;
  let battery: Battery | undefined;
  let wasSaving = false;
  const look = (): void => {
    const isMetered = connection?.saveData === true || connection?.type === "cellular";
    const isLow = battery?.charging === false && battery.level <= BATTERY_LOW;
    const isSaving = isMetered || isLow;
    if (isSaving !== wasSaving && !signal.aborted) {
      wasSaving = isSaving;
      onChange(isSaving);
    }
  };
  const listen = (found: Battery): void => {
    battery = found;
    for (const event of ["levelchange", "chargingchange"]) {
      battery.addEventListener(event, look, { signal });
    }
    look();
  };
  connection?.addEventListener("change", look, { signal });
  // Where a policy of the page forbids it, nothing is known of the battery.
  getBattery?.call(navigator).then(listen, () => {});
  look();
}
