/** Where the vertices of a photographed face are under its parameters. Tens of microseconds; no allocation. */

import { indexOf, termValue, type Values } from "../rig";
import type { PhotoFace, Sheet, Turn } from "./photo-face";

/** What a sheet is left out below: it could not change an 8-bit pixel. */
export const INVISIBLE = 1 / 512;

export class Deformer {
  /** [V, 2] of all sheets, in order: pixels of the portrait. */
  readonly places: Float32Array;
  /** Of each sheet, its part of `places`. */
  readonly parts: Float32Array[];
  /** Of each sheet, 0..1. */
  readonly opacity: Float32Array;

  /** Of each sheet and delta, from its first to its last number that is not 0: eyes and brows move little of a face. */
  private readonly spans: [start: number, end: number][][];

  constructor(private readonly face: Pick<PhotoFace, "sheets" | "turn">) {
    const { sheets } = face;
    this.places = new Float32Array(sheets.reduce((sum, sheet) => sum + sheet.vertices.length, 0));
    this.opacity = new Float32Array(sheets.length);
    this.spans = sheets.map(({ deltas }) => deltas.map(({ by }) => spanOf(by)));
    let start = 0;
    this.parts = sheets.map(({ vertices }) => {
      start += vertices.length;
      return this.places.subarray(start - vertices.length, start);
    });
  }

  /** Brings `places` and `opacity` to `values`, which lie in their ranges. */
  update(values: Values): void {
    this.face.sheets.forEach((sheet, i) => {
      const places = this.parts[i] as Float32Array;
      this.opacity[i] = opacityOf(sheet, values);
      if ((this.opacity[i] ?? 0) < INVISIBLE) return;
      places.set(sheet.vertices);
      const spans = this.spans[i] ?? [];
      sheet.deltas.forEach(({ term, by }, j) => {
        const value = termValue(term, values);
        const [start, end] = spans[j] ?? [0, by.length];
        if (value === 0) return;
        for (let k = start; k < end; k++) places[k] = (places[k] as number) + value * (by[k] as number);
      });
      turnHead(this.face.turn, places, sheet.head, values);
    });
  }
}

function spanOf(by: Float32Array): [start: number, end: number] {
  const start = by.findIndex((value) => value !== 0);
  return start < 0 ? [0, 0] : [start, by.findLastIndex((value) => value !== 0) + 1];
}

function opacityOf(sheet: Sheet, values: Values): number {
  let sum = 0;
  for (const { term, by } of sheet.opacity) sum += termValue(term, values) * by;
  return Math.max(0, Math.min(1, sum));
}

function turnHead(turn: Turn, places: Float32Array, head: Float32Array, values: Values): void {
  const [x, y, roll] = [indexOf.head_x, indexOf.head_y, indexOf.head_roll].map((i) => values[i] ?? 0) as [
    number,
    number,
    number,
  ];
  if (x === 0 && y === 0 && roll === 0) return;
  const angle = (turn.roll * roll * Math.PI) / 180;
  const [cos, sin] = [Math.cos(angle) - 1, Math.sin(angle)];
  const [px, py] = turn.pivot;
  const [shiftX, shiftY, farX, farY] = [
    x * turn.shift[0],
    y * turn.shift[1],
    x * turn.parallax[0],
    y * turn.parallax[1],
  ];
  for (let k = 0; k < places.length; k += 2) {
    const share = head[k] as number;
    const depth = head[k + 1] as number;
    const [qx, qy] = [places[k] as number, places[k + 1] as number];
    places[k] = qx + share * (shiftX + cos * (qx - px) - sin * (qy - py)) + depth * farX;
    places[k + 1] = qy + share * (shiftY + sin * (qx - px) + cos * (qy - py)) + depth * farY;
  }
}
