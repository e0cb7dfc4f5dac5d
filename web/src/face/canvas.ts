/** The face on its stage: when a frame is drawn, and with which parameters. */

import { Beat } from "./beat";
import { Mover } from "./motion";
import { MouthTrack } from "./mouth";
import { clampValues, indexOf, MOUTH, PARAMETERS, type Parameter, type Values } from "./rig";
import type { Scene } from "./scene";

/**
 * The least time between frames while only the head sways: 30 a second. On a machine without a GPU a frame costs what
 * a server on the same machine needs to think.
 */
const REST_FRAME_S = 1 / 30;
/** What a machine that can't keep up with more is asked for: enough for speech. */
const FEWER_FRAMES_S = 1 / 30;
const LONGEST_FRAME_S = 0.25;
const MOST_PIXEL_RATIO = 2;
/** How fast the mouth goes to rest when there is no frame for it (seconds). */
const REST_SECONDS = 0.06;
/** Of the pictures that are asked for; a machine that shows fewer is at its limit. */
const SLOW = 0.9;
/** For how long, until something is done about it. */
const SLOW_SECONDS = 2;
/** Over which the rate of frames is taken. */
const RECENT = 0.5;

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
  private scene: Scene | null = null;
  private mover: Mover | null = null;
  /** Frames painted so far. */
  painted = 0;
  private ratio = 1;
  private quality = 1;
  private slowFor = 0;
  private last = Number.NEGATIVE_INFINITY;
  private readonly beat = new Beat();
  /** The least time between frames that this machine keeps up with. */
  private least = 0;
  private readonly values: Values = new Float64Array(PARAMETERS.length);
  private readonly fresh = new Float64Array(MOUTH.length);

  constructor(
    private readonly backdrop: HTMLCanvasElement,
    private readonly front: HTMLCanvasElement,
  ) {
    new ResizeObserver(() => this.resize()).observe(backdrop);
  }

  /** Takes the scene over, and disposes of the one before. */
  show(scene: Scene): void {
    this.scene?.dispose();
    this.scene = scene;
    this.mover = scene.motion && new Mover(scene.motion);
    this.quality = 1;
    this.least = 0;
    this.fps = 1 / scene.frameSeconds;
    this.resize();
  }

  /** Draws the face at `now` (seconds). Gives false, and does nothing, when the last frame still serves. */
  draw(now: number, input: FaceInput): boolean {
    const dt = now - this.last;
    const resting = input.pose !== "speaking" && this.atRest;
    const { frameSeconds = REST_FRAME_S, restSeconds = REST_FRAME_S } = this.scene ?? {};
    const step = Math.max(this.least, resting ? restSeconds : frameSeconds);
    if (!this.beat.due(now, step)) return false;
    this.last = now;
    this.measure(dt, step, resting);
    this.moveMouth(dt, input);
    if (!this.mover) return true;
    const { pose, calm } = input;
    const values = this.mover.update(now, { pose, speaking: pose === "speaking", mouth: this.mouth, calm });
    this.atRest = values[indexOf.blink] === 0 && this.mouth.every((value) => value === 0);
    if (values.every((value, i) => value === this.values[i])) return true;
    this.values.set(values);
    this.scene?.paint(this.values);
    this.painted++;
    return true;
  }

  /** What draws the face: "webgl", "software" or "2d". */
  get renderer(): string {
    return this.scene?.renderer ?? "2d";
  }

  /** The face of a photograph under parameters, as a PNG at the portrait's own size; null for other faces. */
  picture(parameters: Partial<Record<Parameter, number>>): string | null {
    const values = new Float64Array(PARAMETERS.length);
    for (const [name, value] of Object.entries(parameters)) values[indexOf[name as Parameter]] = value;
    return this.scene?.picture?.(clampValues(values)) ?? null;
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

  /** A machine that can't keep up gets 30 frames of 60 first: pages that hurry show fewer. Then fewer pixels. */
  private measure(dt: number, step: number, resting: boolean): void {
    if (dt >= LONGEST_FRAME_S) return; // the page was hidden
    this.fps += (1 - dt * this.fps) / RECENT; // by time: a few short frames must not hide long ones
    if (resting) return;
    this.slowFor = this.fps * step < SLOW ? this.slowFor + dt : 0;
    if (this.slowFor < SLOW_SECONDS) return;
    this.slowFor = 0;
    if (step < FEWER_FRAMES_S) this.least = FEWER_FRAMES_S;
    else if (this.ratio > (this.scene?.leastRatio ?? 1)) {
      this.quality *= 0.75;
      this.resize();
    }
  }

  private resize(): void {
    const { backdrop, front } = this;
    const { clientWidth: width, clientHeight: height } = backdrop;
    if (!this.scene || width === 0 || height === 0) return;
    const wanted = Math.min(window.devicePixelRatio, MOST_PIXEL_RATIO) * this.quality;
    this.ratio = Math.max(this.scene.leastRatio, wanted);
    const picture = this.scene.place({ backdrop, front, width, height, ratio: this.ratio });
    const style = backdrop.parentElement?.style;
    style?.setProperty("--below", `${(height - picture.y - picture.height).toFixed(1)}px`);
    for (const side of ["x", "y", "width", "height"] as const) {
      style?.setProperty(`--picture-${side}`, `${picture[side].toFixed(2)}px`);
    }
    this.scene.paint(this.values); // a canvas that changes its size is empty
  }
}
