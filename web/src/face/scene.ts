/** What a stage shows: a drawing or a photograph, laid out once and painted with every frame. */

import type { Motion, Values } from "./rig";
import type { Box } from "./view";

/** Where it is shown. Sizes in CSS pixels; `ratio` is device pixels for each of them. */
export interface Stage {
  backdrop: HTMLCanvasElement;
  /** Above the backdrop, for what moves. */
  front: HTMLCanvasElement;
  width: number;
  height: number;
  ratio: number;
}

export interface Scene {
  /** Null for what never moves. */
  readonly motion: Motion | null;
  /** The time between two frames while lips or lids move, seconds. */
  readonly frameSeconds: number;
  /** The same while only the head sways, where it is more than usual. */
  readonly restSeconds?: number;
  /** How few device pixels for each CSS pixel a slow machine may get. */
  readonly leastRatio: number;
  /** Lays it out and paints what never moves; gives where it lies, in CSS pixels. */
  place(stage: Stage): Box;
  paint(values: Values): void;
  dispose(): void;
  /** What draws it, and what that makes of parameters, as a PNG; of photographs. */
  readonly renderer?: string;
  picture?(values: Values): string;
}

/** Empties the canvas, makes it as large as the stage, and gives a context in CSS pixels. */
export function clearBackdrop({ backdrop, width, height, ratio }: Stage): CanvasRenderingContext2D | null {
  backdrop.width = Math.round(width * ratio);
  backdrop.height = Math.round(height * ratio);
  const context = backdrop.getContext("2d");
  context?.scale(ratio, ratio);
  return context;
}
