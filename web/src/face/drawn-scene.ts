/** A drawing: a still canvas for what never moves, and above it one only as wide as the face needs. */

import { Painter, styleOf, type View } from "./paint";
import { type Layer, PARAMETERS, type Rig, splitStill, type Values } from "./rig";
import { clearBackdrop, type Scene, type Stage } from "./scene";
import { type Box, layPicture, reach } from "./view";

export class DrawnScene implements Scene {
  readonly frameSeconds = 1 / 60;
  readonly leastRatio = 1;
  readonly motion;
  private readonly still: Layer[];
  private readonly painter: Painter;
  private view: View = { scale: 1, x: 0, y: 0 };
  private front: HTMLCanvasElement | null = null;

  constructor(private readonly rig: Rig) {
    const { still, moving } = splitStill(rig.layers);
    this.motion = rig.motion;
    this.still = still;
    this.painter = new Painter(rig, moving);
  }

  place(stage: Stage): Box {
    const picture = layPicture(stage, this.rig.size);
    this.drawBackdrop(stage, picture);
    this.placeFront(stage, picture);
    return picture;
  }

  paint(values: Values): void {
    const context = this.front?.getContext("2d");
    if (!context) return;
    context.clearRect(0, 0, context.canvas.width, context.canvas.height);
    this.painter.draw(context, this.view, values);
  }

  dispose(): void {
    if (this.front) this.front.width = 0;
  }

  private drawBackdrop(stage: Stage, picture: Box): void {
    const context = clearBackdrop(stage);
    if (!context) return;
    const { rig } = this;
    const scale = (picture.width / rig.size[0]) * stage.ratio;
    const view = { scale, x: picture.x * stage.ratio, y: picture.y * stage.ratio };
    context.setTransform(scale, 0, 0, scale, view.x, view.y);
    context.fillStyle = styleOf(context, rig.background);
    const { width, height } = context.canvas;
    context.fillRect(-view.x / scale, -view.y / scale, width / scale, height / scale);
    new Painter(rig, this.still).draw(context, view, new Float64Array(PARAMETERS.length));
  }

  private placeFront({ front, width, height, ratio }: Stage, picture: Box): void {
    const unit = picture.width / this.rig.size[0];
    const { left, right } = reach(this.rig);
    const from = Math.max(0, Math.floor(picture.x + left * unit));
    const to = Math.min(width, Math.ceil(picture.x + right * unit));
    front.style.left = `${from}px`;
    front.style.width = `${to - from}px`;
    front.width = Math.round((to - from) * ratio);
    front.height = Math.round(height * ratio);
    this.front = front;
    this.view = { scale: unit * ratio, x: (picture.x - from) * ratio, y: picture.y * ratio };
  }
}
