/** What moves besides the mouth: idle sway, blinks, poses that cross-fade, a nod that follows the voice. */

import { clampValues, indexOf, MOUTH, type Motion, PARAMETERS, type Parameter, type Values } from "./rig";

const NOD_SECONDS = 0.25;
const JAW = indexOf.jaw;
const BLINK = indexOf.blink;

export interface Stage {
  pose: string;
  speaking: boolean;
  /** The nine values of the mouth. */
  mouth: Float64Array;
  /** Users who ask for less motion get blinks and lips, and no sway. */
  calm: boolean;
}

export class Mover {
  private readonly values: Values = new Float64Array(PARAMETERS.length);
  private from = new Float64Array(PARAMETERS.length);
  private to = new Float64Array(PARAMETERS.length);
  private pose = "";
  private poseSince = Number.NEGATIVE_INFINITY;
  private blinkAt: number;
  private jaw = 0;
  private last = Number.NaN;

  constructor(
    private readonly motion: Motion,
    private readonly random: () => number = Math.random,
  ) {
    this.blinkAt = this.gap();
  }

  /** All parameters at `time` (seconds, never going back). The array is reused by the next call. */
  update(time: number, stage: Stage): Values {
    const dt = Number.isNaN(this.last) ? 0 : Math.max(0, time - this.last);
    this.last = time;
    this.values.fill(0);
    this.values.set(stage.mouth.subarray(0, MOUTH.length));
    this.addPose(time, stage.pose);
    if (!stage.calm) {
      this.addIdle(time);
      this.addNod(dt, stage);
    }
    this.addBlink(time);
    return clampValues(this.values);
  }

  private addIdle(time: number): void {
    for (const [name, waves] of Object.entries(this.motion.idle ?? {})) {
      for (const [amplitude, period, phase] of waves) {
        this.add(name, amplitude * Math.sin(2 * Math.PI * (time / period + phase)));
      }
    }
  }

  private addPose(time: number, pose: string): void {
    if (pose !== this.pose) {
      this.from = this.blend(time);
      this.to = new Float64Array(PARAMETERS.length);
      for (const [name, value] of Object.entries(this.motion.poses?.[pose] ?? {})) {
        const index = indexOf[name as Parameter];
        if (index !== undefined) this.to[index] = value;
      }
      this.poseSince = this.pose === "" ? Number.NEGATIVE_INFINITY : time;
      this.pose = pose;
    }
    const offsets = this.blend(time);
    offsets.forEach((value, i) => {
      this.values[i] = (this.values[i] ?? 0) + value;
    });
  }

  private blend(time: number): Float64Array<ArrayBuffer> {
    const x = Math.min(1, (time - this.poseSince) / (this.motion.pose_seconds ?? 0.35));
    const s = x * x * (3 - 2 * x);
    return this.from.map((value, i) => value + ((this.to[i] ?? 0) - value) * s);
  }

  private addNod(dt: number, stage: Stage): void {
    const target = stage.speaking ? (stage.mouth[JAW] ?? 0) : 0;
    this.jaw += (target - this.jaw) * (1 - Math.exp(-dt / NOD_SECONDS));
    for (const [name, gain] of Object.entries(this.motion.nod ?? {})) this.add(name, gain * this.jaw);
  }

  private addBlink(time: number): void {
    const seconds = this.motion.blink?.seconds ?? 0.16;
    if (time > this.blinkAt + seconds) this.blinkAt = time + this.gap();
    const x = (time - this.blinkAt) / seconds;
    const bump = x > 0 && x < 1 ? 0.5 - 0.5 * Math.cos(2 * Math.PI * x) : 0;
    this.values[BLINK] = Math.min(1, Math.max(this.values[BLINK] ?? 0, bump));
  }

  private gap(): number {
    const [least, most] = this.motion.blink?.every ?? [2.6, 5.6];
    return least + (most - least) * this.random();
  }

  private add(name: string, value: number): void {
    const index = indexOf[name as Parameter];
    if (index !== undefined) this.values[index] = (this.values[index] ?? 0) + value;
  }
}
