// Builds the console, or with --tests its unit tests. Run by `npm run bundle` and `npm test`; build.py wraps both.
//
// The script and the style sheet carry a hash in their names, so that they may be cached for ever and index.html
// never points at half of a new version: files first, index.html last, what is no longer named goes.

import { build } from "esbuild";
import { mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));

// Browsers from 2021 on: what stands on the desks of a district office is seldom new.
const browsers = ["chrome90", "edge90", "firefox90", "safari15"];

async function bundleTests() {
  const folder = path.join(here, "tests");
  const entries = (await readdir(folder)).filter((name) => name.endsWith(".test.ts"));
  const out = path.join(here, "build", "tests");
  await rm(out, { recursive: true, force: true });
  await build({
    entryPoints: entries.map((name) => path.join(folder, name)),
    outdir: out,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    jsx: "automatic",
    jsxImportSource: "preact",
    sourcemap: "inline",
    logLevel: "warning",
  });
}

async function bundleConsole(target) {
  await mkdir(target, { recursive: true });
  const result = await build({
    absWorkingDir: here,
    entryPoints: { console: "src/main.tsx", style: "src/style/all.css" },
    outdir: target,
    entryNames: "[name]-[hash]",
    bundle: true,
    minify: true,
    format: "iife",
    target: browsers,
    jsx: "automatic",
    jsxImportSource: "preact",
    legalComments: "inline",
    charset: "utf8",
    metafile: true,
    write: false,
    logLevel: "warning",
  });
  const written = new Set();
  for (const file of result.outputFiles) {
    const name = path.basename(file.path);
    await writeFile(path.join(target, name), file.contents);
    written.add(name);
  }
  const named = (stem, ending) => [...written].find((name) => name.startsWith(`${stem}-`) && name.endsWith(ending));
  for (const asset of ["icon.svg"]) {
    await writeFile(path.join(target, asset), await readFile(path.join(here, "src", asset)));
    written.add(asset);
  }
  const page = (await readFile(path.join(here, "src", "index.html"), "utf8"))
    .replace("%SCRIPT%", named("console", ".js"))
    .replace("%STYLE%", named("style", ".css"));
  const fresh = path.join(target, "index.html.new");
  await writeFile(fresh, page);
  await rename(fresh, path.join(target, "index.html"));
  written.add("index.html");
  for (const name of await readdir(target)) {
    if (!written.has(name)) await rm(path.join(target, name), { recursive: true });
  }
  const sizes = result.outputFiles.map((file) => `${path.basename(file.path)} ${Math.ceil(file.contents.length / 1024)} KiB`);
  console.log(`console: ${sizes.join(", ")}`);
}

if (process.argv.includes("--tests")) await bundleTests();
else await bundleConsole(path.resolve(process.argv[2] ?? path.join(here, "..", "patrol", "center", "console")));
