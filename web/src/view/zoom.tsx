// The picture alone on the screen: whole, or the finding filling it.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Region } from "../model.ts";
import { RegionBox } from "./evidence.tsx";
import { Icon } from "./icons.tsx";
import { useScene } from "./scene.tsx";

interface Props {
  url: string;
  alt: string;
  region: Region | null;
  onClose: () => void;
}

export function Zoom({ url, alt, region, onClose }: Props) {
  const { m } = useScene();
  const dialog = useRef<HTMLDialogElement>(null);
  const stage = useRef<HTMLDivElement>(null);
  const sheet = useRef<HTMLDivElement>(null);
  const [near, setNear] = useState(false);
  const [aspect, setAspect] = useState(region ? region.width_px / region.height_px : 16 / 9);

  useEffect(() => {
    const shownDialog = dialog.current;
    shownDialog?.showModal();
    return () => shownDialog?.close();
  }, []);

  // Lay the picture out by hand: as large as fits, then moved so that the finding fills two fifths of the screen.
  useLayoutEffect(() => {
    const fit = (): void => {
      const [outer, inner] = [stage.current, sheet.current];
      if (!outer || !inner) return;
      const { clientWidth, clientHeight } = outer;
      const width = Math.min(clientWidth, clientHeight * aspect);
      const height = width / aspect;
      let transform = "";
      if (near) {
        const box = region ?? { x_min_px: 0.25, x_max_px: 0.75, y_min_px: 0.25, y_max_px: 0.75, width_px: 1, height_px: 1 };
        const [w, h] = [width / box.width_px, height / box.height_px];
        const across = Math.max(1, (box.x_max_px - box.x_min_px) * w);
        const down = Math.max(1, (box.y_max_px - box.y_min_px) * h);
        const factor = Math.max(1.5, Math.min(8, (0.4 * clientWidth) / across, (0.4 * clientHeight) / down));
        const x = ((box.x_min_px + box.x_max_px) / 2) * w - width / 2;
        const y = ((box.y_min_px + box.y_max_px) / 2) * h - height / 2;
        transform = `scale(${factor}) translate(${-x}px, ${-y}px)`;
      }
      inner.style.width = `${width}px`;
      inner.style.height = `${height}px`;
      inner.style.transform = transform;
    };
    fit();
    addEventListener("resize", fit);
    return () => removeEventListener("resize", fit);
  }, [near, aspect, region]);

  return (
    <dialog class="zoom" ref={dialog} aria-label={alt} onClose={onClose} onCancel={onClose}>
      <div class="zoom-bar">
        <div class="segments">
          <button type="button" aria-pressed={!near} onClick={() => setNear(false)}>
            {m.evidence.whole}
          </button>
          <button type="button" aria-pressed={near} onClick={() => setNear(true)}>
            {m.evidence.finding}
          </button>
        </div>
        <span class="hint">{m.evidence.zoomHint}</span>
        <button type="button" class="icon-button" aria-label={m.close} title={m.close} onClick={onClose}>
          <Icon name="close" size={24} />
        </button>
      </div>
      <div class={`zoom-stage${near ? " near" : ""}`} ref={stage} onClick={() => setNear(!near)}>
        <div class="zoom-sheet" ref={sheet}>
          <img
            src={url}
            alt={alt}
            onLoad={(event) => setAspect(event.currentTarget.naturalWidth / event.currentTarget.naturalHeight)}
          />
          {region && <RegionBox region={region} />}
        </div>
      </div>
    </dialog>
  );
}
