// Draws every concept of concepts.json as a transparent 128×128 PNG from the
// SVG icons of Noto Emoji (Apache-2.0).
//
//   node render_emoji.mjs <output folder>

import { createRequire } from "node:module";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Resvg } from "@resvg/resvg-js";

const SIZE_PX = 128;
const folder = process.argv[2];
if (!folder) throw new Error("usage: node render_emoji.mjs <output folder>");

const require = createRequire(import.meta.url);
const icons = require("@iconify-json/noto/icons.json");
const concepts = JSON.parse(readFileSync(new URL("concepts.json", import.meta.url)));

/** The icon's body, following Iconify's aliases (an alias is another name of one drawing). */
function bodyOf(name) {
  if (icons.icons[name]) return icons.icons[name].body;
  const alias = icons.aliases?.[name];
  if (alias) return bodyOf(alias.parent);
  throw new Error(`Noto Emoji has no icon "${name}"`);
}

mkdirSync(folder, { recursive: true });
for (const [concept, icon] of Object.entries(concepts)) {
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" ` +
    `viewBox="0 0 ${icons.width} ${icons.height}">${bodyOf(icon)}</svg>`;
  const picture = new Resvg(svg, { fitTo: { mode: "width", value: SIZE_PX } }).render();
  writeFileSync(join(folder, `${concept}.png`), picture.asPng());
}
console.log(`${Object.keys(concepts).length} drawings in ${folder}`);
