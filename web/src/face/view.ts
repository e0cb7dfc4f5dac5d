/** How a rig's picture is laid into a stage of any shape. Pure. */

import type { Rig } from "./rig";

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** The part of the picture's width that must stay visible: faces sit in the middle of it. */
const ESSENTIAL = 0.74;

/** Of the height that a tall stage leaves over, the share that goes under the picture, where captions lie. */
const BELOW = 0.58;

/**
 * Lays the picture into a stage: its full height where that leaves the face whole, else its essential width.
 * On a wide stage the shoulders stand on the bottom edge, on a tall one a little above it; the avatar's
 * background fills what is left.
 */
export function layPicture(stage: { width: number; height: number }, size: [number, number]): Box {
  const [w, h] = size;
  const scale = Math.min(stage.height / h, stage.width / (w * ESSENTIAL));
  const y = (stage.height - h * scale) * (1 - BELOW);
  return { x: (stage.width - w * scale) / 2, y, width: w * scale, height: h * scale };
}

/** The columns that the rig may paint, in rig pixels: what moves needs no wider canvas. */
export function reach(rig: Rig): { left: number; right: number } {
  let left = Number.POSITIVE_INFINITY;
  let right = Number.NEGATIVE_INFINITY;
  for (const { points } of rig.layers) {
    for (let i = 0; i < points.length; i += 2) {
      left = Math.min(left, points[i] ?? 0);
      right = Math.max(right, points[i] ?? 0);
    }
  }
  const sway = 2 * Math.abs(rig.head.shift[0]) + 16; // depths go beyond 1, strokes beyond their points
  return { left: left - sway, right: right + sway };
}
