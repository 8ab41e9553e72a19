import type { Settings, Theme } from "../settings.ts";
import type { State } from "../state.ts";
import { Icon, type IconName } from "./icons.tsx";
import { useNamed, useScene } from "./scene.tsx";
import { Clock } from "./times.tsx";

const NEXT_THEME: Record<Theme, Theme> = { auto: "dark", dark: "light", light: "auto" };

interface Props {
  state: State;
  drill: boolean;
  settings: Settings;
  onSettings: (change: Partial<Settings>) => void;
  onHome: () => void;
  onKeys: () => void;
}

export function Header({ state, drill, settings, onSettings, onHome, onKeys }: Props) {
  const { m } = useScene();
  const name = useNamed();
  const district = state.district ? name(state.district.name) : "";
  return (
    <header class="top">
      <a
        class="brand"
        href="#/"
        onClick={(event) => {
          event.preventDefault();
          onHome();
        }}
      >
        <img src="./icon.svg" width="36" height="36" alt="" />
        <h1>
          {m.product}
          <span>{district || m.page}</span>
        </h1>
      </a>
      {drill && (
        <p class="drill" role="note">
          <strong>{m.drill}</strong>
          <span>{m.drillLong}</span>
        </p>
      )}
      <div class="tools">
        <Clock label={m.clockOf(district || "UTC")} />
        <Tool
          icon={settings.sound ? "soundOn" : "soundOff"}
          label={settings.sound ? m.sound.on : m.sound.off}
          pressed={settings.sound}
          onClick={() => onSettings({ sound: !settings.sound })}
        />
        <Tool
          icon={settings.theme}
          label={m.theme[settings.theme]}
          onClick={() => onSettings({ theme: NEXT_THEME[settings.theme] })}
        />
        <Tool icon="keyboard" label={m.help} onClick={onKeys} extra="wide-only" />
        <button
          type="button"
          class="icon-button language"
          lang={settings.language === "en" ? "zh-CN" : "en"}
          aria-label={m.languageLabel}
          title={m.languageLabel}
          onClick={() => onSettings({ language: settings.language === "en" ? "zh-CN" : "en" })}
        >
          {m.language}
        </button>
      </div>
    </header>
  );
}

interface ToolProps {
  icon: IconName;
  label: string;
  pressed?: boolean;
  extra?: string;
  onClick: () => void;
}

function Tool({ icon, label, pressed, extra, onClick }: ToolProps) {
  return (
    <button
      type="button"
      class={`icon-button ${extra ?? ""}`}
      aria-label={label}
      aria-pressed={pressed}
      title={label}
      onClick={onClick}
    >
      <Icon name={icon} size={22} />
    </button>
  );
}
