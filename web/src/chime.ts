// Two short tones for a new incident, made by Web Audio: no file, no network. Browsers allow it after a click.

let context: AudioContext | null = null;

export function chime(): void {
  context ??= new AudioContext();
  if (context.state === "suspended") void context.resume();
  const start = context.currentTime + 0.02;
  for (const [at_s, pitch_hz] of [
    [0, 880],
    [0.18, 1175],
  ] as const) {
    const tone = context.createOscillator();
    const loudness = context.createGain();
    tone.frequency.value = pitch_hz;
    loudness.gain.setValueAtTime(0, start + at_s);
    loudness.gain.linearRampToValueAtTime(0.2, start + at_s + 0.015);
    loudness.gain.exponentialRampToValueAtTime(0.001, start + at_s + 0.35);
    tone.connect(loudness).connect(context.destination);
    tone.start(start + at_s);
    tone.stop(start + at_s + 0.4);
  }
}
