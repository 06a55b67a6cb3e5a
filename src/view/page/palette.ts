/**
 * How each state looks: a colour of Okabe and Ito's palette, which colour-blind readers can tell apart, and a texture and a height of its
 * own, so that nothing hangs on colour alone.
 *
 * Okabe, Ito: "Color Universal Design" (2008). The same colours serve the light and the dark page.
 */
import type { State } from "../timeline.js";

export interface Look {
  readonly colour: string;
  /** Height of the bar, as a share of the lane's. */
  readonly height: number;
  readonly texture: "plain" | "rising" | "falling" | "dots" | "upright" | "level";
  readonly words: string;
}

export const LOOKS: Readonly<Record<State, Look>> = {
  running: { colour: "#009E73", height: 0.8, texture: "plain", words: "running" },
  ready: { colour: "#F0E442", height: 0.5, texture: "rising", words: "ready" },
  asleep: { colour: "#56B4E9", height: 0.5, texture: "dots", words: "asleep" },
  waiting: { colour: "#CC79A7", height: 0.5, texture: "upright", words: "waits for a task" },
  blocked: { colour: "#E69F00", height: 0.5, texture: "falling", words: "blocked on a pipe" },
  suspended: { colour: "#D55E00", height: 0.5, texture: "level", words: "suspended" },
  inRun: { colour: "#8A8A8A", height: 0.24, texture: "dots", words: "main, in run" },
  done: { colour: "#8A8A8A", height: 0.08, texture: "plain", words: "done" },
};

const TILE_PX = 8;

/** The fill of each state for one drawing context. */
export function fillsFor(context: CanvasRenderingContext2D): ReadonlyMap<State, CanvasPattern | string> {
  const fills = new Map<State, CanvasPattern | string>();
  for (const [state, look] of Object.entries(LOOKS) as [State, Look][])
    fills.set(state, fillOf(context, look));
  return fills;
}

function fillOf(context: CanvasRenderingContext2D, { colour, texture }: Look): CanvasPattern | string {
  if (texture === "plain") return colour;
  const tile = document.createElement("canvas");
  tile.width = TILE_PX;
  tile.height = TILE_PX;
  const pen = tile.getContext("2d")!;
  pen.fillStyle = colour;
  pen.fillRect(0, 0, TILE_PX, TILE_PX);
  pen.strokeStyle = "rgba(0, 0, 0, 0.5)";
  pen.fillStyle = pen.strokeStyle;
  pen.lineWidth = 1.2;
  pen.beginPath();
  switch (texture) {
    case "rising":
      line(pen, -2, 10, 10, -2);
      break;
    case "falling":
      line(pen, -2, -2, 10, 10);
      break;
    case "upright":
      line(pen, 4, 0, 4, TILE_PX);
      break;
    case "level":
      line(pen, 0, 4, TILE_PX, 4);
      break;
    default:
      pen.arc(4, 4, 1.4, 0, 2 * Math.PI);
      pen.fill();
  }
  pen.stroke();
  return context.createPattern(tile, "repeat") ?? colour;
}

function line(pen: CanvasRenderingContext2D, x1: number, y1: number, x2: number, y2: number): void {
  pen.moveTo(x1, y1);
  pen.lineTo(x2, y2);
}
