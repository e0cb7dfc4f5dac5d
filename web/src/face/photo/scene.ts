/** A photograph that moves: its surround on the backdrop, its face above it, by WebGL where there is any. */

import type { Motion, Values } from "../rig";
import { clearBackdrop, type Scene, type Stage } from "../scene";
import { ESSENTIAL } from "../still";
import { FADE, layPhoto, openEdges, paintSurrounded } from "../surround";
import type { Box } from "../view";
import type { PhotoFace } from "./photo-face";
import { SoftPainter } from "./software";
import { type Fade, GlPainter } from "./webgl";

/** Beyond it the picture has no more detail to show. */
const MOST_SCALE = 1.15;

export class PhotoScene implements Scene {
  /** 30 a second, as fine as speech needs; each is a whole picture to fill. */
  readonly frameSeconds = 1 / 30;
  readonly leastRatio = 0.5;
  readonly motion: Motion;
  private readonly canvas = document.createElement("canvas");
  private painter: GlPainter | null;
  private soft: SoftPainter | null = null;
  private stage: Stage | null = null;
  private box: Box = { x: 0, y: 0, width: 1, height: 1 };
  private fade: Fade = [0, 0, 0, 0];
  private seen: [number, number, number, number] = [0, 0, 1, 1];
  private values: Values | null = null;

  constructor(private readonly face: PhotoFace) {
    this.motion = face.motion;
    this.canvas.setAttribute("aria-hidden", "true");
    this.painter = GlPainter.on(this.canvas, face);
    this.restSeconds = this.painter?.emulated ? 1 / 15 : this.frameSeconds;
    this.canvas.addEventListener("webglcontextlost", (event) => event.preventDefault()); // so that it comes back
    this.canvas.addEventListener("webglcontextrestored", () => {
      this.painter?.build();
      if (this.values) this.paint(this.values);
    });
  }

  /** A processor that stands in for a graphics card fills a slow sway 15 times a second. */
  readonly restSeconds: number;

  /** What draws it. */
  get renderer(): "webgl" | "software" {
    return this.painter ? "webgl" : "software";
  }

  place(stage: Stage): Box {
    this.stage = stage;
    this.box = layPhoto(stage, [this.face.size, this.face.size], ESSENTIAL);
    const context = clearBackdrop(stage);
    if (context) paintSurrounded(context, this.face.portrait, stage, this.box);
    const { left, top, right, bottom } = openEdges(stage, this.box);
    this.fade = [left, top, right, bottom].map((open) => (open ? FADE : 0)) as Fade;
    if (this.painter) this.placeGl(stage);
    else this.placeSoft(stage);
    return this.box;
  }

  paint(values: Values): void {
    this.values = values;
    if (this.painter) this.painter.draw(values, this.seen, this.fade);
    else this.paintSoft(values, false);
  }

  /** As a PNG at the portrait's own size, by whatever draws it. */
  picture(values: Values): string {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = this.face.size;
    if (this.painter) {
      const painter = GlPainter.on(canvas, this.face);
      painter?.draw(values, [0, 0, this.face.size, this.face.size]);
      const drawn = canvas.toDataURL();
      painter?.dispose();
      return drawn;
    }
    const context = canvas.getContext("2d") as CanvasRenderingContext2D;
    context.drawImage(this.face.portrait, 0, 0);
    new SoftPainter(this.face, 1).draw(context, values, 0, 0, true);
    return canvas.toDataURL();
  }

  dispose(): void {
    this.painter?.dispose();
    this.painter = null;
    this.canvas.remove();
    if (this.stage) this.stage.front.width = 0;
  }

  /** A canvas over the part of the picture that the stage shows. */
  private placeGl({ front, width, height, ratio }: Stage): void {
    front.width = 0;
    const { canvas, box, face } = this;
    if (!canvas.isConnected) front.after(canvas);
    const [left, top] = [Math.max(0, box.x), Math.max(0, box.y)];
    const [right, bottom] = [Math.min(width, box.x + box.width), Math.min(height, box.y + box.height)];
    const unit = box.width / face.size;
    const fine = Math.min(ratio, MOST_SCALE / unit);
    canvas.width = Math.max(1, Math.round((right - left) * fine));
    canvas.height = Math.max(1, Math.round((bottom - top) * fine));
    canvas.style.inset = "auto";
    canvas.style.left = `${left}px`;
    canvas.style.top = `${top}px`;
    canvas.style.width = `${right - left}px`;
    canvas.style.height = `${bottom - top}px`;
    this.seen = [
      (left - box.x) / unit,
      (top - box.y) / unit,
      (right - box.x) / unit,
      (bottom - box.y) / unit,
    ];
  }

  private placeSoft({ front, width, height, ratio }: Stage): void {
    front.style.left = "0";
    front.style.width = "100%";
    front.width = Math.round(width * ratio);
    front.height = Math.round(height * ratio);
    this.soft = new SoftPainter(this.face, (this.box.width / this.face.size) * ratio);
    if (this.values) this.paintSoft(this.values, true);
  }

  private paintSoft(values: Values, anew: boolean): void {
    const context = this.stage?.front.getContext("2d");
    if (!context || !this.stage) return;
    const { ratio } = this.stage;
    this.soft?.draw(context, values, Math.round(-this.box.x * ratio), Math.round(-this.box.y * ratio), anew);
  }
}
