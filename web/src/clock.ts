// One clock for the whole page: the centre's, ticking each second. This machine's own clock may be wrong.

import { useEffect, useState } from "preact/hooks";

let offset_ms = 0;
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

/** Learn the centre's time from an answer. Its Date header counts whole seconds: smaller differences are noise. */
export function learnServerTime(server: number, here: number): void {
  const found_ms = server + 500 - here;
  if (Math.abs(found_ms - offset_ms) > 1500) offset_ms = found_ms;
}

export function centerNow(): number {
  return Date.now() + offset_ms;
}

/** The centre's time; the component that asks is drawn again each second (or each `every_s`). */
export function useNow(every_s = 1): number {
  const [now, setNow] = useState(centerNow);
  useEffect(() => {
    let shown = 0;
    const tick = (): void => {
      const fresh = centerNow();
      if (Math.abs(fresh - shown) < every_s * 1000 - 50) return;
      shown = fresh;
      setNow(fresh);
    };
    listeners.add(tick);
    timer ??= setInterval(() => listeners.forEach((listener) => listener()), 1000);
    return () => {
      listeners.delete(tick);
      if (listeners.size === 0) {
        clearInterval(timer);
        timer = undefined;
      }
    };
  }, [every_s]);
  return now;
}
