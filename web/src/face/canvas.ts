/**
 * The picture: a still canvas for the background and what never moves, and above it a canvas only as wide as the
 * face needs, redrawn with every display frame.
 */

import { Mover } from "./motion";
import { MouthTrack } from "./mouth";
import { Painter, styleOf, type View } from "./paint";
import { indexOf, MOUTH, PARAMETERS, type Rig, splitStill, type Values } from "./rig";
import { type Box, layPicture, reach } from "./view";

/**
 * The least time between frames, a little under a whole number of frames of common displays: 60 a second while lips
 * or lids move, 30 while only the head sways. On a machine without a GPU a frame costs what a server on the same
 * machine needs to think.
 */
const FRAME_S = 0.0125;
const REST_FRAME_S = 0.029;
const LONGEST_FRAME_S = 0.25;
const MOST_PIXEL_RATIO = 2;
/** How fast the mouth goes to rest when there is no frame for it (seconds). */
const REST_SECONDS = 0.06;
/** Below what a display in power-saving mode shows: such a machine is at its limit. */
const SLOW_FPS = 27;

export interface FaceInput {
  pose: "idle" | "listening" | "thinking" | "speaking";
  /** The response being heard, and how far into it; null in silence and in gaps. */
  heard: { stream: string; seconds: number } | null;
  calm: boolean;
}

export class Face {
  readonly track = new MouthTrack();
  /** The nine values drawn last. */
  readonly mouth = new Float64Array(MOUTH.length);
  /** Frames drawn a second, of late. */
  fps = 0;
  private atRest = false;
  private rig: Rig | null = null;
  private mover: Mover | null = null;
  private painter: Painter | null = null;
  private view: View = { scale: 1, x: 0, y: 0 };
  private ratio = 1;
  private quality = 1;
  private slowFor = 0;
  private last = Number.NEGATIVE_INFINITY;
  private values: Values = new Float64Array(PARAMETERS.length);
  private readonly fresh = new Float64Array(MOUTH.length);

  constructor(
    private readonly backdrop: HTMLCanvasElement,
    private readonly front: HTMLCanvasElement,
  ) {
    new ResizeObserver(() => this.resize()).observe(backdrop);
  }

  show(rig: Rig): void {
    this.rig = rig;
    this.mover = new Mover(rig.motion);
    this.resize();
  }

  /** Draws the face at `now` (seconds). Gives false, and does nothing, when the last frame still serves. */
  draw(now: number, input: FaceInput): boolean {
    const dt = now - this.last;
    const resting = input.pose !== "speaking" && this.atRest;
    if (dt < (resting ? REST_FRAME_S : FRAME_S)) return false;
    this.last = now;
    this.measure(dt, resting);
    this.moveMouth(dt, input);
    if (!this.mover) return true;
    const { pose, calm } = input;
    this.values = this.mover.update(now, { pose, speaking: pose === "speaking", mouth: this.mouth, calm });
    this.atRest = this.values[indexOf.blink] === 0 && this.mouth.every((value) => value === 0);
    this.paint();
    return true;
  }

  private paint(): void {
    const context = this.front.getContext("2d");
    if (!context || !this.painter) return;
    context.clearRect(0, 0, this.front.width, this.front.height);
    this.painter.draw(context, this.view, this.values);
  }

  private moveMouth(dt: number, { heard }: FaceInput): void {
    if (heard && this.track.read(heard.stream, heard.seconds, this.fresh)) {
      this.mouth.set(this.fresh);
      return;
    }
    const keep = Math.exp(-dt / REST_SECONDS);
    for (let i = 0; i < this.mouth.length; i++) {
      const value = (this.mouth[i] ?? 0) * keep;
      this.mouth[i] = value < 1e-3 ? 0 : value;
    }
  }

  /** A machine that can't keep up gets fewer pixels rather than fewer frames. */
  private measure(dt: number, resting: boolean): void {
    if (dt >= LONGEST_FRAME_S) return; // the page was hidden
    this.fps += (1 / dt - this.fps) * 0.05;
    this.slowFor = !resting && this.fps < SLOW_FPS ? this.slowFor + dt : 0;
    if (this.slowFor > 2 && this.ratio > 1) {
      this.quality *= 0.75;
      this.slowFor = 0;
      this.resize();
    }
  }

  private resize(): void {
    const { clientWidth: width, clientHeight: height } = this.backdrop;
    if (!this.rig || width === 0 || height === 0) return;
    this.ratio = Math.max(1, Math.min(window.devicePixelRatio, MOST_PIXEL_RATIO) * this.quality);
    const picture = layPicture({ width, height }, this.rig.size);
    const below = height - picture.y - picture.height;
    this.backdrop.parentElement?.style.setProperty("--below", `${below.toFixed(1)}px`);
    const { still, moving } = splitStill(this.rig.layers);
    this.drawBackdrop(this.rig, picture, still);
    this.painter = new Painter(this.rig, moving);
    this.placeFront(this.rig, picture);
    this.paint(); // a canvas that changes its size is empty
  }

  private drawBackdrop(rig: Rig, picture: Box, still: Rig["layers"]): void {
    const { clientWidth, clientHeight } = this.backdrop;
    this.backdrop.width = Math.round(clientWidth * this.ratio);
    this.backdrop.height = Math.round(clientHeight * this.ratio);
    const context = this.backdrop.getContext("2d");
    if (!context) return;
    const scale = (picture.width / rig.size[0]) * this.ratio;
    const view = { scale, x: picture.x * this.ratio, y: picture.y * this.ratio };
    context.setTransform(scale, 0, 0, scale, view.x, view.y);
    context.fillStyle = styleOf(context, rig.background);
    context.fillRect(
      -view.x / scale,
      -view.y / scale,
      this.backdrop.width / scale,
      this.backdrop.height / scale,
    );
    new Painter(rig, still).draw(context, view, this.values);
  }

  private placeFront(rig: Rig, picture: Box): void {
    const { clientWidth, clientHeight } = this.backdrop;
    const unit = picture.width / rig.size[0];
    const { left, right } = reach(rig);
    const from = Math.max(0, Math.floor(picture.x + left * unit));
    const to = Math.min(clientWidth, Math.ceil(picture.x + right * unit));
    this.front.style.left = `${from}px`;
    this.front.style.width = `${to - from}px`;
    this.front.width = Math.round((to - from) * this.ratio);
    this.front.height = Math.round(clientHeight * this.ratio);
    this.view = { scale: unit * this.ratio, x: (picture.x - from) * this.ratio, y: picture.y * this.ratio };
  }
}
