/** An avatar of a photograph that has no face to move: the picture itself. */

import { fetchPicture } from "../protocol/key";
import { clearBackdrop, type Scene, type Stage } from "./scene";
import { layPhoto, paintSurrounded } from "./surround";
import type { Box } from "./view";

export interface Still {
  image: HTMLImageElement;
  size: [number, number];
}

/** The part of a photograph's width that stays visible on a tall stage: head and some shoulder. */
export const ESSENTIAL = 0.64;

export async function loadStill(address: string): Promise<Still> {
  const image = await fetchPicture(address);
  return { image, size: [image.naturalWidth, image.naturalHeight] };
}

export class StillScene implements Scene {
  readonly motion = null;
  readonly frameSeconds = 1 / 30;
  readonly leastRatio = 1;

  constructor(private readonly still: Still) {}

  place(stage: Stage): Box {
    const box = layPhoto(stage, this.still.size, ESSENTIAL);
    const context = clearBackdrop(stage);
    if (context) paintSurrounded(context, this.still.image, stage, box);
    stage.front.width = 0;
    return box;
  }

  paint(): void {}

  dispose(): void {}
}
