// The centre's live stream (server-sent events) and the truth about whether it is live.
//
// A broken TCP connection can look healthy for minutes, so a heartbeat request runs beside the stream. Reconnecting
// is done here, not by EventSource, so that the page can say when the next attempt is.

const CHANGES = ["incident", "box", "dead-letter", "evidence", "flight", "request", "station"] as const;
export type Change = (typeof CHANGES)[number];

export type LiveState =
  | { readonly kind: "connecting" }
  | { readonly kind: "live" }
  | { readonly kind: "lost"; readonly since: number; readonly retryAt: number };

export interface LiveListener {
  /** The stream (re)opened: whatever happened before has to be asked for. */
  onOpen(): void;
  onChange(change: Change, id: string): void;
  /** A drone has moved; `data` is what came. */
  onPose(data: string): void;
  onState(state: LiveState): void;
}

export interface Live {
  retryNow(): void;
  stop(): void;
}

const HEARTBEAT_MS = 15_000; // a dispatcher learns within half a minute that a cable was pulled
const OPEN_WITHIN_MS = 10_000;
const LONGEST_WAIT_MS = 15_000;
const STEADY_MS = 5000; // a stream that the centre ends sooner than this is not simply opened again

/** Wait before attempt number `attempt` (0 is the first retry): 1, 2, 4, 8, 15, 15 … s, ±20 % so that pages spread. */
export function retryDelay(attempt: number, random: number): number {
  return Math.min(LONGEST_WAIT_MS, 1000 * 2 ** Math.min(attempt, 10)) * (0.8 + 0.4 * random);
}

export function connect(url: string, heartbeat: () => Promise<void>, listener: LiveListener): Live {
  let source: EventSource | null = null;
  let attempt = 0;
  let lostSince: number | null = null;
  let retryTimer: ReturnType<typeof setTimeout> | undefined;
  let openTimer: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;
  let openedAt = 0;

  function close(): void {
    source?.close();
    source = null;
    clearTimeout(openTimer);
    clearTimeout(retryTimer);
  }

  function lose(): void {
    if (stopped) return;
    close();
    lostSince ??= Date.now();
    const wait = retryDelay(attempt++, Math.random());
    listener.onState({ kind: "lost", since: lostSince, retryAt: Date.now() + wait });
    retryTimer = setTimeout(open, wait);
  }

  function open(): void {
    if (stopped) return;
    close();
    const opening = new EventSource(url);
    source = opening;
    openTimer = setTimeout(lose, OPEN_WITHIN_MS);
    opening.onopen = () => {
      clearTimeout(openTimer);
      attempt = 0;
      lostSince = null;
      openedAt = Date.now();
      listener.onState({ kind: "live" });
      listener.onOpen();
    };
    opening.onerror = lose;
    // The centre says that this page has missed something (or that it stops) and ends the stream.
    opening.addEventListener("reload", () => (Date.now() - openedAt > STEADY_MS ? open() : lose()));
    opening.addEventListener("drone", (event) => listener.onPose(event.data as string));
    for (const change of CHANGES) {
      opening.addEventListener(change, (event) => listener.onChange(change, idOf(event.data as string)));
    }
  }

  function beat(): void {
    const checked = source;
    if (checked?.readyState !== EventSource.OPEN) return;
    heartbeat().catch(() => {
      if (source === checked) lose();
    });
  }

  const beatTimer = setInterval(beat, HEARTBEAT_MS);
  const onOffline = (): void => lose();
  const onOnline = (): void => open();
  const onVisible = (): void => {
    if (document.visibilityState === "visible") beat();
  };
  window.addEventListener("offline", onOffline);
  window.addEventListener("online", onOnline);
  document.addEventListener("visibilitychange", onVisible);
  listener.onState({ kind: "connecting" });
  open();

  return {
    retryNow: open,
    stop: () => {
      stopped = true;
      close();
      clearInterval(beatTimer);
      window.removeEventListener("offline", onOffline);
      window.removeEventListener("online", onOnline);
      document.removeEventListener("visibilitychange", onVisible);
    },
  };
}

function idOf(data: string): string {
  try {
    const body: unknown = JSON.parse(data);
    const id = typeof body === "object" && body !== null ? (body as { id?: unknown }).id : undefined;
    return typeof id === "string" || typeof id === "number" ? String(id) : "";
  } catch {
    return "";
  }
}
