/** What the colours, textures, marks and arrows mean. */

import type { State } from "../timeline.js";
import { element } from "./elements.js";
import { fillsFor, LOOKS } from "./palette.js";

export function legend(): HTMLElement {
  const states = (Object.keys(LOOKS) as State[]).map((state) => {
    const swatch = element("canvas", { width: "28", height: "16", "aria-hidden": "true" });
    const pen = swatch.getContext("2d")!;
    const height = 16 * Math.max(0.15, LOOKS[state].height);
    pen.fillStyle = fillsFor(pen).get(state)!;
    pen.fillRect(0, (16 - height) / 2, 28, height);
    return element("li", {}, swatch, LOOKS[state].words);
  });
  const marks = [
    "\u25B6 begins",
    "\u25CB calls",
    "\u25CF comes back",
    "\u25A0 ends",
    "\u2716 lost or corrupt",
    "\u2192 spawn, go or wake; dashed: a task ends; dotted: a write",
  ].map((text) => element("li", {}, text));
  return element("ul", { class: "legend", "aria-label": "Legend" }, ...states, ...marks);
}
