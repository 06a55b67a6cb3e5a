/**
 * Draws the lanes: only the rows and records that are on screen, so that a trace of any length costs what the screen shows.
 *
 * The canvas stays where it is while its scroller moves; `paint` is told the offsets. Lanes of the targets stand one block under the
 * other and share the axis, so that equal records stand in equal columns.
 */
import { RecordKind } from "../../sim/encoding.js";
import type { Flow, Lane, Segment, State } from "../timeline.js";
import type { Axis } from "./axis.js";
import type { PageModel, PageSide } from "./page-model.js";
import { fillsFor, LOOKS } from "./palette.js";

export const ROW_PX = 26;
export const HEAD_PX = 26;
export const LABELS_PX = 150;
const LABEL_CHARACTERS_MAX = 18;

/** A row of the picture: the name of a target, or one of its lanes. */
export interface Row {
  readonly side: PageSide;
  readonly lane: Lane | undefined;
}

export interface Scene {
  readonly scrollX: number;
  readonly scrollY: number;
  readonly width: number;
  readonly height: number;
  readonly record: number;
  /** Lanes of this body are marked. */
  readonly body: number | undefined;
}

export function rowsOf(model: PageModel): Row[] {
  return model.sides.flatMap((side) => [
    { side, lane: undefined },
    ...side.timeline.lanes.map((lane) => ({ side, lane })),
  ]);
}

export class Painter {
  readonly #model: PageModel;
  readonly #axis: Axis;
  readonly #rows: readonly Row[];
  readonly #canvas: HTMLCanvasElement;
  readonly #pen: CanvasRenderingContext2D;
  readonly #fills: ReadonlyMap<State, CanvasPattern | string>;
  readonly #rowOf = new Map<PageSide, Map<number, number>>();

  constructor(model: PageModel, axis: Axis, rows: readonly Row[], canvas: HTMLCanvasElement) {
    this.#model = model;
    this.#axis = axis;
    this.#rows = rows;
    this.#canvas = canvas;
    this.#pen = canvas.getContext("2d")!;
    this.#fills = fillsFor(this.#pen);
    for (const side of model.sides) this.#rowOf.set(side, new Map());
    for (const [i, { side, lane }] of rows.entries())
      if (lane !== undefined) this.#rowOf.get(side)!.set(lane.body, i);
  }

  /** The row of a body on a side, or undefined where it never comes up. */
  rowOf(side: PageSide, body: number): number | undefined {
    return this.#rowOf.get(side)!.get(body);
  }

  paint(scene: Scene): void {
    const pen = this.#pen;
    const scale = window.devicePixelRatio || 1;
    const [width, height] = [Math.round(scene.width * scale), Math.round(scene.height * scale)];
    if (this.#canvas.width !== width || this.#canvas.height !== height) {
      this.#canvas.width = width;
      this.#canvas.height = height;
    }
    const style = getComputedStyle(this.#canvas);
    const ink = style.getPropertyValue("--ink");
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.fillStyle = style.getPropertyValue("--paper");
    pen.fillRect(0, 0, scene.width, scene.height);
    pen.font = "12px system-ui, sans-serif";
    pen.textBaseline = "middle";
    const first = Math.max(0, this.#axis.recordAt(scene.scrollX) - 1);
    const last = Math.min(this.#axis.recordCount - 1, this.#axis.recordAt(scene.scrollX + scene.width) + 1);
    const top = Math.max(0, Math.floor(scene.scrollY / ROW_PX));
    const bottom = Math.min(this.#rows.length - 1, Math.ceil((scene.scrollY + scene.height) / ROW_PX));

    pen.save();
    pen.translate(LABELS_PX - scene.scrollX, 0);
    this.#paintBand(scene, style.getPropertyValue("--band"));
    for (let row = top; row <= bottom; row++) this.#paintLane(row, scene, first, last, ink);
    for (const side of this.#model.sides) this.#paintFlows(side, scene, first, last, ink);
    this.#paintDivergences(scene, first, last, ink, style.getPropertyValue("--paper"));
    pen.restore();
    this.#paintTimes(scene, first, last, style);
    this.#paintLabels(scene, top, bottom, style);
  }

  #y(row: number, scene: Scene): number {
    return HEAD_PX + row * ROW_PX - scene.scrollY;
  }

  /** The column of the current record. */
  #paintBand({ record, height }: Scene, colour: string): void {
    this.#pen.fillStyle = colour;
    this.#pen.fillRect(this.#axis.x(record), 0, Math.max(2, this.#axis.columnPx), height);
  }

  #paintLane(row: number, scene: Scene, first: number, last: number, ink: string): void {
    const { side, lane } = this.#rows[row]!;
    if (lane === undefined) return;
    const pen = this.#pen;
    const y = this.#y(row, scene);
    const { segments } = lane;
    const begin = ({ from, state }: Segment): number =>
      state === "running" ? this.#axis.x(from) : this.#axis.endBefore(from);
    const [left, right] = [this.#axis.x(first), this.#axis.x(last + 1)];
    // Segments may share a record, so one more to the left than the record asks for.
    for (let i = Math.max(0, firstAfter(segments, first) - 2); i < segments.length; i++) {
      const segment = segments[i]!;
      if (segment.from > last) break;
      const next = segments[i + 1];
      const end = next === undefined ? this.#axis.x(side.table.count) : begin(next);
      const x = Math.max(left, begin(segment));
      const barHeight = ROW_PX * LOOKS[segment.state].height;
      pen.fillStyle = this.#fills.get(segment.state)!;
      pen.fillRect(x, y + (ROW_PX - barHeight) / 2, Math.max(0, Math.min(right, end) - x), barHeight);
    }
    pen.strokeStyle = ink;
    pen.fillStyle = ink;
    if (this.#axis.columnPx < 6) return;
    for (let record = first; record <= Math.min(last, side.table.last - 1); record++)
      if (side.table.who[record] === lane.body)
        this.#paintMark(
          side.table.kind[record]!,
          this.#axis.x(record) + this.#axis.columnPx / 2,
          y + ROW_PX / 2,
        );
  }

  /** A record: a triangle begins, a square ends, a ring calls, a disc comes back, a cross lost something. */
  #paintMark(kind: number, x: number, y: number): void {
    const pen = this.#pen;
    pen.lineWidth = 1.4;
    pen.beginPath();
    if (kind === RecordKind.begin) {
      pen.moveTo(x - 3, y - 4);
      pen.lineTo(x + 4, y);
      pen.lineTo(x - 3, y + 4);
      pen.fill();
    } else if (kind === RecordKind.end) {
      pen.fillRect(x - 3, y - 3, 6, 6);
    } else if (kind === RecordKind.call || kind === RecordKind.ret) {
      pen.arc(x, y, 3, 0, 2 * Math.PI);
      if (kind === RecordKind.call) pen.stroke();
      else pen.fill();
    } else {
      pen.lineWidth = 3;
      pen.moveTo(x - 4, y - 4);
      pen.lineTo(x + 4, y + 4);
      pen.moveTo(x + 4, y - 4);
      pen.lineTo(x - 4, y + 4);
      pen.stroke();
    }
  }

  #paintFlows(side: PageSide, scene: Scene, first: number, last: number, ink: string): void {
    const pen = this.#pen;
    pen.strokeStyle = ink;
    pen.fillStyle = ink;
    for (const flow of side.timeline.flows) {
      if (flow.from > last) break;
      if (flow.to < first) continue;
      const fromRow = this.rowOf(side, side.table.who[flow.from]!);
      const toRow = this.rowOf(side, side.table.who[flow.to]!);
      if (fromRow === undefined || toRow === undefined) continue;
      const isNear = flow.from === scene.record || flow.to === scene.record;
      pen.globalAlpha = isNear ? 1 : 0.45;
      pen.lineWidth = isNear ? 2 : 1.2;
      this.#paintArrow(flow, this.#y(fromRow, scene) + ROW_PX / 2, this.#y(toRow, scene) + ROW_PX / 2);
    }
    pen.globalAlpha = 1;
    pen.setLineDash([]);
  }

  #paintArrow({ kind, from, to }: Flow, y1: number, y2: number): void {
    const pen = this.#pen;
    const half = this.#axis.columnPx / 2;
    const [x1, x2] = [this.#axis.x(from) + half, this.#axis.x(to) + half];
    const tip = y2 + Math.sign(y1 - y2) * 5;
    pen.setLineDash(kind === "end" ? [6, 3] : kind === "write" ? [2, 3] : []);
    pen.beginPath();
    pen.moveTo(x1, y1);
    pen.bezierCurveTo(
      x1 + (x2 - x1) / 2,
      y1,
      x2 - Math.min(12, (x2 - x1) / 2),
      y1 + (tip - y1) * 0.6,
      x2,
      tip,
    );
    pen.stroke();
    const up = Math.sign(y1 - y2) || 1;
    pen.beginPath();
    pen.moveTo(x2, tip);
    pen.lineTo(x2 - 4, tip + 6 * up);
    pen.lineTo(x2 + 4, tip + 6 * up);
    pen.fill();
  }

  #paintDivergences(scene: Scene, first: number, last: number, ink: string, paper: string): void {
    const pen = this.#pen;
    for (const { divergence, on } of this.#model.sides) {
      if (divergence === undefined || divergence.index < first || divergence.index > last) continue;
      const x = this.#axis.x(divergence.index);
      pen.strokeStyle = ink;
      pen.lineWidth = 3;
      pen.setLineDash([8, 4]);
      pen.strokeRect(x, HEAD_PX, Math.max(2, this.#axis.columnPx), scene.height);
      pen.setLineDash([]);
      const words = `${on} parts here`;
      const width = pen.measureText(words).width + 12;
      pen.fillStyle = ink;
      pen.fillRect(x, scene.height - 20, width, 20);
      pen.fillStyle = paper;
      pen.fillText(words, x + 6, scene.height - 10);
    }
  }

  /** The times, over the gaps where the clock goes on. */
  #paintTimes(scene: Scene, first: number, last: number, style: CSSStyleDeclaration): void {
    const pen = this.#pen;
    const { table } = this.#model.sides[0]!;
    pen.fillStyle = style.getPropertyValue("--raised");
    pen.fillRect(0, 0, scene.width, HEAD_PX);
    pen.fillStyle = style.getPropertyValue("--ink");
    for (let record = first; record <= last; record++) {
      if (record > 0 && !this.#axis.hasGap(record)) continue;
      const x = LABELS_PX - scene.scrollX + this.#axis.x(record);
      const t = table.clockMs[Math.min(record, table.last)];
      pen.fillRect(x - 1, HEAD_PX - 6, 1, 6);
      pen.fillText(`t=${t}`, record === 0 ? x + 2 : x - 38, HEAD_PX / 2);
    }
  }

  #paintLabels(scene: Scene, top: number, bottom: number, style: CSSStyleDeclaration): void {
    const pen = this.#pen;
    pen.fillStyle = style.getPropertyValue("--raised");
    pen.fillRect(0, 0, LABELS_PX, scene.height);
    for (let row = top; row <= bottom; row++) {
      const { side, lane } = this.#rows[row]!;
      const y = this.#y(row, scene) + ROW_PX / 2;
      if (y < HEAD_PX) continue;
      pen.fillStyle = style.getPropertyValue("--ink");
      if (lane === undefined) {
        pen.font = "bold 12px system-ui, sans-serif";
        pen.fillText(shortened(side.on), 6, y);
        pen.font = "12px system-ui, sans-serif";
        continue;
      }
      if (lane.body === scene.body) {
        pen.fillRect(6, y - ROW_PX / 2 + 2, LABELS_PX - 12, ROW_PX - 4);
        pen.fillStyle = style.getPropertyValue("--paper");
      }
      pen.fillText(shortened(this.#model.names[lane.body]!), 16, y);
    }
    pen.fillStyle = style.getPropertyValue("--raised");
    pen.fillRect(0, 0, LABELS_PX, HEAD_PX);
  }
}

function firstAfter(segments: Lane["segments"], record: number): number {
  let [low, high] = [0, segments.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (segments[middle]!.from <= record) low = middle + 1;
    else high = middle;
  }
  return low;
}

function shortened(name: string): string {
  return name.length <= LABEL_CHARACTERS_MAX ? name : `${name.slice(0, LABEL_CHARACTERS_MAX - 1)}\u2026`;
}
