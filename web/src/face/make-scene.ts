/** From what an avatar is drawn from to what draws it. */

import type { Likeness } from "../protocol/catalogue";
import { DrawnScene } from "./drawn-scene";
import { PhotoScene } from "./photo/scene";
import type { Scene } from "./scene";
import { StillScene } from "./still";

export function makeScene(likeness: Likeness): Scene {
  if ("layers" in likeness) return new DrawnScene(likeness);
  return "image" in likeness ? new StillScene(likeness) : new PhotoScene(likeness);
}
