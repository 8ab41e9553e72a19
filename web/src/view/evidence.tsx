// The evidence of an incident: the whole picture with the finding's box, or the reason why there is none.

import { useEffect, useState } from "preact/hooks";
import { canVerify, verify, type Verdict } from "../hash.ts";
import type { Evidence, Incident, Region } from "../model.ts";
import { momentText } from "../text/time.ts";
import { useNow } from "../clock.ts";
import { Icon } from "./icons.tsx";
import { useNamed, useScene } from "./scene.tsx";
import { Zoom } from "./zoom.tsx";

/** Best first: the picture as taken, the marked one, the clip. */
const ORDER: readonly Evidence["role"][] = ["frame", "marked", "clip"];

/** Where the finding is in a file: each alert has its own pictures and its own region. */
function regionOf(file: Evidence, incident: Incident): Region | null {
  const alert = incident.alerts?.find((each) => each.evidence.includes(file.sha256));
  return alert?.region ?? incident.region;
}

export function EvidenceView({ incident }: { incident: Incident }) {
  const { m, zone } = useScene();
  const files = [...incident.evidence].sort(
    (a, b) => b.taken_at - a.taken_at || ORDER.indexOf(a.role) - ORDER.indexOf(b.role),
  );
  const [chosen, setChosen] = useState<string | null>(null);
  useEffect(() => setChosen(null), [incident.incident_id]);
  const best = files.find((file) => file.state === "stored" && file.role !== "clip") ?? files[0];
  const file = files.find((each) => each.sha256 === chosen) ?? best;
  const now = useNow(60);
  return (
    <section class="card evidence" aria-label={m.detail.evidence}>
      {file === undefined ? (
        <Placeholder incident={incident} state="none" title={m.evidence.noneTitle} text={m.evidence.noneText} />
      ) : (
        <Shown key={`${file.sha256}-${file.state}`} incident={incident} file={file} />
      )}
      {files.length > 1 && (
        <div class="file-choice" role="group" aria-label={m.detail.evidence}>
          {files.map((each, index) => (
            <button
              type="button"
              key={each.sha256}
              aria-pressed={each === file}
              aria-label={m.evidence.choose(index + 1, files.length)}
              onClick={() => setChosen(each.sha256)}
            >
              {m.role[each.role]} {momentText(each.taken_at, now, zone)}
            </button>
          ))}
        </div>
      )}
      {file && <FileFacts file={file} key={file.sha256} />}
    </section>
  );
}

function Shown({ incident, file }: { incident: Incident; file: Evidence }) {
  const { m, zone } = useScene();
  const name = useNamed();
  const now = useNow(60);
  const [broken, setBroken] = useState(0);
  const [failed, setFailed] = useState(false);
  const [zoomed, setZoomed] = useState(false);
  if (file.state === "lost") {
    const reason = file.lost_reason === null ? file.lost_detail : m.lostReason[file.lost_reason];
    return <Placeholder incident={incident} state="lost" title={m.evidence.lostTitle} text={m.evidence.lostText(reason)} />;
  }
  if (file.state === "waiting" || file.url === null) {
    return (
      <Placeholder incident={incident} state="waiting" title={m.evidence.waitingTitle} text={m.evidence.waitingText} />
    );
  }
  if (failed) {
    return (
      <Placeholder incident={incident} state="lost" title={m.evidence.brokenTitle} text={m.evidence.brokenText}>
        <button
          type="button"
          class="button"
          onClick={() => {
            setBroken(broken + 1);
            setFailed(false);
          }}
        >
          {m.detail.retry}
        </button>
      </Placeholder>
    );
  }
  const url = broken ? `${file.url}?again=${broken}` : file.url;
  if (file.media_type === "video/mp4") {
    return <video class="picture" src={url} controls playsInline preload="metadata" onError={() => setFailed(true)} />;
  }
  const alt = m.evidence.alt(m.hazard[incident.hazard], name(incident.camera.name), momentText(file.taken_at, now, zone));
  const picture = regionOf(file, incident);
  const region = file.role === "frame" ? picture : null;
  return (
    <>
      <button type="button" class="picture" aria-label={m.evidence.zoom} onClick={() => setZoomed(true)}>
        <img
          src={url}
          alt={alt}
          decoding="async"
          {...(picture ? { width: picture.width_px, height: picture.height_px } : {})}
          onError={() => setFailed(true)}
        />
        {region && <RegionBox region={region} />}
        <span class="enlarge">
          <Icon name="whole" size={18} />
        </span>
      </button>
      {zoomed && <Zoom url={url} alt={alt} region={region} onClose={() => setZoomed(false)} />}
    </>
  );
}

/** The finding, drawn over a picture that fills its holder. Corners, so that what is inside stays visible. */
export function RegionBox({ region }: { region: Region }) {
  const { x_min_px: left, y_min_px: top, x_max_px: right, y_max_px: bottom, width_px, height_px } = region;
  const corner = Math.min(right - left, bottom - top) * 0.28;
  const d = [
    `M${left} ${top + corner}V${top}H${left + corner}`,
    `M${right - corner} ${top}H${right}V${top + corner}`,
    `M${right} ${bottom - corner}V${bottom}H${right - corner}`,
    `M${left + corner} ${bottom}H${left}V${bottom - corner}`,
  ].join("");
  return (
    <svg class="region" viewBox={`0 0 ${width_px} ${height_px}`} preserveAspectRatio="none" aria-hidden="true">
      <rect x={left} y={top} width={right - left} height={bottom - top} />
      <path class="under" d={d} />
      <path class="over" d={d} />
    </svg>
  );
}

interface PlaceholderProps {
  incident: Incident;
  state: "none" | "waiting" | "lost";
  title: string;
  text: string;
  children?: preact.ComponentChildren;
}

function Placeholder({ incident, state, title, text, children }: PlaceholderProps) {
  const { m } = useScene();
  return (
    <div class={`picture placeholder ${state}`}>
      {incident.thumbnail && (
        <figure>
          <img src={incident.thumbnail} alt="" />
          <figcaption>{m.evidence.preview}</figcaption>
        </figure>
      )}
      <div class="placeholder-text" role="status">
        <Icon name={state === "waiting" ? "upload" : state === "lost" ? "warning" : "camera"} size={28} />
        <p class="empty-title">{title}</p>
        <p>{text}</p>
        {children}
      </div>
    </div>
  );
}

type Check = "idle" | "busy" | "failed" | Verdict;

function FileFacts({ file }: { file: Evidence }) {
  const { m, zone } = useScene();
  const now = useNow(60);
  const [check, setCheck] = useState<Check>("idle");
  const e = m.evidence;
  const ending = file.media_type === "video/mp4" ? "mp4" : file.media_type === "image/tiff" ? "tiff" : "jpg";
  return (
    <div class="file-facts">
      <p>
        <span class={`badge file-${file.state}`}>{e.state[file.state]}</span>
        <span>{m.role[file.role]}</span>
        <span>{e.takenAt(momentText(file.taken_at, now, zone))}</span>
        {file.blurred !== null && <span>{file.blurred ? e.blurred : e.notBlurred}</span>}
      </p>
      <p class="hash">
        <span class="hash-name">{e.hash}</span>
        <code>{file.sha256}</code>
      </p>
      {file.state === "stored" && file.url !== null && (
        <p class="file-actions">
          <a class="button" href={file.url} download={`${file.sha256}.${ending}`}>
            <Icon name="download" size={18} /> {e.download}
          </a>
          {canVerify() && (
            <button
              type="button"
              class="button"
              disabled={check === "busy"}
              onClick={() => {
                setCheck("busy");
                verify(file.url ?? "", file.sha256).then(setCheck, () => setCheck("failed"));
              }}
            >
              <Icon name="shield" size={18} /> {check === "busy" ? e.verifying : e.verify}
            </button>
          )}
          <span role="status" class={typeof check === "string" ? `verdict ${check}` : `verdict ${check.kind}`}>
            {check === "failed" && e.verifyFailed}
            {typeof check === "object" && (check.kind === "same" ? `✓ ${e.verified}` : `✗ ${e.mismatch(check.found)}`)}
          </span>
        </p>
      )}
    </div>
  );
}
