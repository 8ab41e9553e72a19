// Is this file what the box recorded? Computed here, in the browser, from the bytes the centre serves.

export type Verdict = { readonly kind: "same" } | { readonly kind: "other"; readonly found: string };

/** False where browsers withhold it: on plain http from another machine. */
export function canVerify(): boolean {
  return typeof crypto !== "undefined" && typeof crypto.subtle !== "undefined";
}

export async function verify(url: string, sha256: string): Promise<Verdict> {
  const response = await fetch(url, { cache: "no-cache" });
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  const digest = await crypto.subtle.digest("SHA-256", await response.arrayBuffer());
  const found = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return found === sha256 ? { kind: "same" } : { kind: "other", found };
}
