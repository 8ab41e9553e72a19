// Icons drawn for this console on a 24 × 24 grid, two-pixel strokes. They never stand alone: a text is beside them or
// names the button.

import type { ComponentChildren } from "preact";
import type { Hazard } from "../model.ts";

const DRAWINGS = {
  close: <path d="M6 6l12 12M18 6L6 18" />,
  back: <path d="M15 5l-7 7 7 7" />,
  search: (
    <>
      <circle cx="10.5" cy="10.5" r="6" />
      <path d="M15 15l5.5 5.5" />
    </>
  ),
  soundOn: (
    <>
      <path d="M4 9.5v5h3.5L12 18.5v-13L7.5 9.5z" />
      <path d="M15.5 9a4 4 0 0 1 0 6M18 6.5a8 8 0 0 1 0 11" />
    </>
  ),
  soundOff: (
    <>
      <path d="M4 9.5v5h3.5L12 18.5v-13L7.5 9.5z" />
      <path d="M16 9.5l5 5M21 9.5l-5 5" />
    </>
  ),
  dark: <path d="M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10z" />,
  light: (
    <>
      <circle cx="12" cy="12" r="4" />
      <path d="M12 2.5v2.5M12 19v2.5M2.5 12H5M19 12h2.5M5.3 5.3l1.8 1.8M16.9 16.9l1.8 1.8M18.7 5.3l-1.8 1.8M7.1 16.9l-1.8 1.8" />
    </>
  ),
  auto: (
    <>
      <circle cx="12" cy="12" r="8" />
      <path d="M12 4a8 8 0 0 1 0 16z" fill="currentColor" />
    </>
  ),
  keyboard: (
    <>
      <rect x="2.5" y="6" width="19" height="12" rx="2" />
      <path d="M6 10h.01M10 10h.01M14 10h.01M18 10h.01M8 14h8" />
    </>
  ),
  plus: <path d="M12 5v14M5 12h14" />,
  minus: <path d="M5 12h14" />,
  whole: <path d="M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5" />,
  target: (
    <>
      <circle cx="12" cy="12" r="6" />
      <path d="M12 2v5M12 17v5M2 12h5M17 12h5" />
    </>
  ),
  box: (
    <>
      <rect x="3" y="5" width="18" height="14" rx="2" />
      <path d="M3 12h18M7 8.5h.01M7 15.5h.01" />
    </>
  ),
  letter: (
    <>
      <rect x="3" y="5" width="18" height="14" rx="2" />
      <path d="M3.5 7l8.5 6 8.5-6" />
    </>
  ),
  sensor: (
    <>
      <circle cx="12" cy="12" r="2.5" fill="currentColor" />
      <path d="M7.4 16.6a6.5 6.5 0 0 1 0-9.2M16.6 7.4a6.5 6.5 0 0 1 0 9.2M4.6 19.4a10.5 10.5 0 0 1 0-14.8M19.4 4.6a10.5 10.5 0 0 1 0 14.8" />
    </>
  ),
  camera: (
    <>
      <path d="M3 8l13-3 1.5 6L5 14z" />
      <path d="M17 8l3.5-.8M8 13.5V19H3.5" />
    </>
  ),
  copy: (
    <>
      <rect x="8.5" y="8.5" width="11" height="11" rx="2" />
      <path d="M5 15V6.5A1.5 1.5 0 0 1 6.5 5H15" />
    </>
  ),
  drone: (
    <>
      <circle cx="5.5" cy="5.5" r="3" />
      <circle cx="18.5" cy="5.5" r="3" />
      <circle cx="5.5" cy="18.5" r="3" />
      <circle cx="18.5" cy="18.5" r="3" />
      <path d="M7.6 7.6l8.8 8.8M16.4 7.6l-8.8 8.8" />
    </>
  ),
  check: <path d="M4.5 12.5l5 5 10-11" />,
  download: <path d="M12 4v11M7 10.5l5 5 5-5M4.5 20h15" />,
  warning: (
    <>
      <path d="M12 4L2.5 20h19z" />
      <path d="M12 10v4.5M12 17.3h.01" />
    </>
  ),
  clock: (
    <>
      <circle cx="12" cy="12" r="8.5" />
      <path d="M12 7v5.3l3.5 2" />
    </>
  ),
  shield: (
    <>
      <path d="M12 3l7.5 3v5.5c0 4.5-3 7.8-7.5 9.5-4.5-1.7-7.5-5-7.5-9.5V6z" />
      <path d="M8.5 12l2.5 2.5 4.5-5" />
    </>
  ),
  upload: <path d="M12 19V8M7 12.5l5-5 5 5M4.5 4h15" />,
  nothing: (
    <>
      <circle cx="12" cy="12" r="8.5" />
      <path d="M8 12.5l3 3 5-6.5" />
    </>
  ),
} satisfies Record<string, ComponentChildren>;

export type IconName = keyof typeof DRAWINGS;

const HAZARD_DRAWINGS: Record<Hazard, ComponentChildren> = {
  "rooftop-violation": (
    <>
      <path d="M4 20.5v-9h16v9M2.5 20.5h19" />
      <path d="M8 11V6l4-2.5L16 6v5" stroke-dasharray="2.6 2.4" />
    </>
  ),
  flooding: (
    <>
      <path d="M6.5 12.5V8.5L12 4l5.5 4.5v4" />
      <path d="M2.5 16.5c2.4-1.8 4-1.8 6.3 0s4 1.8 6.4 0 4-1.8 6.3 0M2.5 20.5c2.4-1.8 4-1.8 6.3 0s4 1.8 6.4 0 4-1.8 6.3 0" />
    </>
  ),
  "fire-hotspot": (
    <>
      <circle cx="12" cy="12" r="3" fill="currentColor" />
      <path d="M12 5.5a6.5 6.5 0 0 1 6.5 6.5M12 18.5A6.5 6.5 0 0 1 5.5 12M12 2v1M12 21v1M2 12h1M21 12h1" />
    </>
  ),
  "flame-smoke": <path d="M12.5 2.5c.5 4 5.5 6 5.5 11.5a6 6 0 0 1-12 0c0-2.5 1.3-4.3 2.5-5.5.2 1.8.8 2.8 2 3.5-.5-3.5.3-7 2-9.5z" />,
  "blocked-fire-lane": (
    <>
      <path d="M3.5 17v-3.5l2-1 2-4.5h8l3 4.5 2.5 1V17z" />
      <circle cx="7.5" cy="17.5" r="1.8" fill="currentColor" />
      <circle cx="16.8" cy="17.5" r="1.8" fill="currentColor" />
      <path d="M3 21.5h18M3 4h18" stroke-dasharray="3.5 2.6" />
    </>
  ),
  "perimeter-intrusion": (
    <>
      <circle cx="12" cy="5" r="2" />
      <path d="M12 9v6M9 11.5l3-2.5 3 2.5" />
      <path d="M3 21v-8l1.7-1.7L6.4 13v8M17.6 21v-8l1.7-1.7L21 13v8M3 17h18" />
    </>
  ),
  "falling-object": (
    <>
      <path d="M3 21V4h7v17M6.5 8h.01M6.5 12h.01M6.5 16h.01" />
      <path d="M14.5 14l5-1.5L21 17.5 16 19zM15 5v4.5M18.5 3.5V8" />
    </>
  ),
  "smoke-alarm": (
    <>
      <path d="M3.5 5h17M5 5l1.5 4.5h11L19 5" />
      <path d="M8 13c-1.5 1.5 1 2.5-.5 4.5M12 13c-1.5 2 1 3.5-.5 6.5M16 13c-1.5 1.5 1 2.5-.5 4.5" />
    </>
  ),
  "charging-pile": (
    <>
      <path d="M4 20.5V5a1.5 1.5 0 0 1 1.5-1.5h6A1.5 1.5 0 0 1 13 5v15.5M2.5 20.5H15" />
      <path d="M9 7l-2 4h3l-2 4M13 12.5h2.5V17a1.8 1.8 0 0 0 3.6 0V9l-2.6-3" />
    </>
  ),
};

function Drawing({ children, size }: { children: ComponentChildren; size: number }) {
  return (
    <svg
      class="icon"
      viewBox="0 0 24 24"
      width={size}
      height={size}
      fill="none"
      stroke="currentColor"
      stroke-width="1.9"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      {children}
    </svg>
  );
}

export function Icon({ name, size = 20 }: { name: IconName; size?: number }) {
  return <Drawing size={size}>{DRAWINGS[name]}</Drawing>;
}

/** A hazard's mark: its icon on its colour. */
export function HazardMark({ hazard, size = 32 }: { hazard: Hazard; size?: number }) {
  return (
    <span class={`mark hazard-${hazard}`} data-size={size >= 44 ? "large" : size <= 26 ? "small" : "medium"}>
      <Drawing size={Math.round(size * 0.68)}>{HAZARD_DRAWINGS[hazard]}</Drawing>
    </span>
  );
}

/** The same icon inside another drawing, its middle at x, y. */
export function HazardGlyph({ hazard, x, y, size }: { hazard: Hazard; x: number; y: number; size: number }) {
  return (
    <g
      transform={`translate(${x - size / 2} ${y - size / 2}) scale(${size / 24})`}
      fill="none"
      stroke="currentColor"
      stroke-width="2.2"
      stroke-linecap="round"
      stroke-linejoin="round"
    >
      {HAZARD_DRAWINGS[hazard]}
    </g>
  );
}
