import { render } from "preact";
import { createApi } from "./api.ts";
import { learnServerTime } from "./clock.ts";
import { createController } from "./controller.ts";
import { App } from "./view/app.tsx";

const holder = document.getElementById("console");
if (holder) {
  const controller = createController(createApi("/api/v1", learnServerTime), "/api/v1/stream");
  render(<App controller={controller} />, holder);
  controller.start();
}
