import type { RefObject } from "preact";
import { HAZARDS, type Hazard } from "../model.ts";
import type { Filter } from "../state.ts";
import { Icon } from "./icons.tsx";
import { useScene } from "./scene.tsx";

interface Props {
  filter: Filter;
  shown: number;
  total: number;
  searchBox: RefObject<HTMLInputElement | null>;
}

export function Filters({ filter, shown, total, searchBox }: Props) {
  const { m, controller } = useScene();
  return (
    <div class="filters" role="search">
      <div class="filter-line">
        <div class="segments" role="group" aria-label={m.list.title}>
          {(["open", "all"] as const).map((state) => (
            <button
              type="button"
              key={state}
              aria-pressed={filter.state === state}
              onClick={() => controller.filter({ state })}
            >
              {m.list[state]}
            </button>
          ))}
        </div>
        <select
          class="select"
          aria-label={m.list.anyHazard}
          value={filter.hazard}
          onChange={(event) => controller.filter({ hazard: event.currentTarget.value as Hazard | "any" })}
        >
          <option value="any">{m.list.anyHazard}</option>
          {HAZARDS.map((hazard) => (
            <option key={hazard} value={hazard}>
              {m.hazard[hazard]}
            </option>
          ))}
        </select>
        <output class="count" aria-label={m.list.title}>
          {m.list.count(shown, total)}
        </output>
      </div>
      <label class="search">
        <Icon name="search" size={18} />
        <input
          ref={searchBox}
          type="search"
          autoComplete="off"
          spellcheck={false}
          placeholder={m.list.search}
          aria-label={m.list.search}
          value={filter.search}
          onInput={(event) => controller.filter({ search: event.currentTarget.value })}
        />
        {filter.search !== "" && (
          <button type="button" class="inline" aria-label={m.list.clear} onClick={() => controller.filter({ search: "" })}>
            <Icon name="close" size={16} />
          </button>
        )}
      </label>
    </div>
  );
}
