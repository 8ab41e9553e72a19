// What every component needs: the texts, the language, the district's time zone and the controller.

import { createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";
import type { Controller } from "../controller.ts";
import { named, type Messages } from "../messages/catalogue.ts";
import type { Incident, Language, Name } from "../model.ts";
import type { State } from "../state.ts";

export interface Scene {
  readonly m: Messages;
  readonly language: Language;
  readonly zone: string;
  readonly controller: Controller;
  /** Choose an incident; the address bar follows. "replace" leaves no step for the back button. */
  readonly choose: (id: string | null, history: "push" | "replace") => void;
}

const SceneContext = createContext<Scene | null>(null);
export const SceneProvider = SceneContext.Provider;

export function useScene(): Scene {
  const scene = useContext(SceneContext);
  if (scene === null) throw new Error("a component outside of the console");
  return scene;
}

export function useControllerState(controller: Controller): State {
  const [state, setState] = useState(controller.state);
  useEffect(() => controller.subscribe(() => setState(controller.state())), [controller]);
  return state;
}

/** True while the media query holds. */
export function useMedia(query: string): boolean {
  const [holds, setHolds] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const media = matchMedia(query);
    const listen = (): void => setHolds(media.matches);
    listen();
    media.addEventListener("change", listen);
    return () => media.removeEventListener("change", listen);
  }, [query]);
  return holds;
}

export function useNamed(): (name: Name) => string {
  const { language } = useScene();
  return (name) => named(name, language);
}

/** The texts of an incident that the search looks into: both languages, so that a habit of typing does not matter. */
export function searchWords(incident: Incident, catalogue: readonly Messages[]): string[] {
  const names = [incident.camera.name, ...(incident.unit ? [incident.unit.name] : [])];
  return [
    incident.case_number,
    incident.incident_id,
    incident.camera.id,
    incident.box,
    incident.place,
    incident.cell ?? "",
    ...names.flatMap((name) => [name.zh, name.en]),
    ...catalogue.map((m) => m.hazard[incident.hazard]),
  ];
}
