// Why the box believes it: a sentence for people, three measures for the eye, the model for the engineer.

import type { Explanation, Incident } from "../model.ts";
import { explanationSentences, percentText } from "../text/explain.ts";
import { spanText } from "../text/time.ts";
import { useScene } from "./scene.tsx";

export function Why({ incident }: { incident: Incident }) {
  const { m } = useScene();
  const newest = [...(incident.alerts ?? [])].sort((a, b) => b.raised_at - a.raised_at)[0];
  const explanation = incident.explanation ?? newest?.explanation ?? null;
  const model = incident.model ?? newest?.model ?? null;
  return (
    <section class="card why">
      <h3>{m.detail.why}</h3>
      {explanation && !incident.sensor && <Measures explanation={explanation} />}
      <p class="sentences">{explanationSentences(incident.hazard, explanation, model, m, incident.sensor !== null).join(m.tag === "en" ? " " : "")}</p>
      {model && (
        <p class="hash">
          <span class="hash-name">{m.why.modelHash}</span>
          <code>{model.sha256}</code>
        </p>
      )}
    </section>
  );
}

function Measures({ explanation: e }: { explanation: Explanation }) {
  const { m } = useScene();
  const longest_s = Math.max(e.dwell_s, e.needed_dwell_s, 0.001) * 1.15;
  return (
    <div class="measures">
      <Measure
        name={m.why.dwell}
        value={spanText(e.dwell_s, m)}
        needed={m.why.needs(spanText(e.needed_dwell_s, m))}
        share={e.dwell_s / longest_s}
        mark={e.needed_dwell_s / longest_s}
      />
      <Measure
        name={m.why.share}
        value={`${e.votes}/${e.looks}`}
        needed={m.why.needs(percentText(e.needed_share))}
        share={e.votes / e.looks}
        mark={e.needed_share}
      />
      <Measure
        name={m.why.certainty}
        value={e.confidence.toFixed(2)}
        needed={m.why.needs(e.threshold.toFixed(2))}
        share={e.confidence}
        mark={e.threshold}
      />
    </div>
  );
}

interface MeasureProps {
  name: string;
  value: string;
  needed: string;
  /** 0 to 1 along the bar: what there was, and what was needed. */
  share: number;
  mark: number;
}

function Measure({ name, value, needed, share, mark }: MeasureProps) {
  return (
    <div class="measure">
      <span class="measure-name">{name}</span>
      <strong>{value}</strong>
      <svg viewBox="0 0 100 12" preserveAspectRatio="none" aria-hidden="true">
        <rect class="track" x="0" y="4" width="100" height="4" rx="2" />
        <rect class="fill" x="0" y="4" width={100 * Math.min(1, share)} height="4" rx="2" />
        <rect class="tick" x={Math.min(99, 100 * mark)} y="0" width="1" height="12" />
      </svg>
      <span class="hint">{needed}</span>
    </div>
  );
}
