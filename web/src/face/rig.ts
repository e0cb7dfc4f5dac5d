/** The rig format `polytalk-avatar/1`: layers of paths that parameters deform. Types, and the evaluation of one layer. */

export const MOUTH = ["jaw", "wide", "round", "press", "upper", "lower", "teeth", "tongue", "blink"] as const;
const SIGNED = ["brow", "gaze_x", "gaze_y", "head_x", "head_y", "head_roll", "breath"] as const;
/** SIGNED ones lie in -1..1, the others in 0..1. */
export const PARAMETERS = [...MOUTH, "smile", ...SIGNED] as const;
const FIRST_SIGNED = PARAMETERS.length - SIGNED.length;
export type Parameter = (typeof PARAMETERS)[number];
/** One value for each of PARAMETERS, in that order. */
export type Values = Float64Array;

export const indexOf = Object.fromEntries(PARAMETERS.map((name, i) => [name, i])) as Record<
  Parameter,
  number
>;

export type Stop = [offset: number, color: string, alpha?: number];
export type Paint =
  | string
  | { linear: [x1: number, y1: number, x2: number, y2: number]; radial?: null; stops: Stop[] }
  | { radial: [x: number, y: number, r: number]; linear?: null; stops: Stop[] };

export interface Layer {
  id: string;
  depth?: number;
  roll?: number;
  ops: string;
  points: number[];
  deltas?: Record<string, number[]>;
  fill?: Paint | null;
  stroke?: { color: string; width: number; cap?: CanvasLineCap } | null;
  opacity?: number;
  opacity_deltas?: Record<string, number>;
  clip?: string | null;
}

export type Poses = Record<string, Partial<Record<Parameter, number>>>;

export interface Motion {
  idle?: Partial<Record<Parameter, [amplitude: number, period: number, phase: number][]>>;
  blink?: { every: [number, number]; seconds: number };
  poses?: Poses;
  pose_seconds?: number;
  nod?: Partial<Record<Parameter, number>>;
}

export interface Rig {
  format: string;
  id: string;
  name: Record<string, string>;
  voice: string;
  style?: string;
  size: [number, number];
  background: Paint;
  pivot: [number, number];
  head: { shift: [number, number]; roll: number };
  layers: Layer[];
  motion: Motion;
}

type Factor = { index: number; half: -1 | 0 | 1 };
export type Term = Factor[];

/** Reads "jaw", "-gaze_x", "jaw*round": a product of parameters, or of the positive or negative half of one. */
export function parseTerm(text: string): Term {
  return text.split("*").map((factor) => {
    const half = factor.startsWith("-") ? -1 : factor.startsWith("+") ? 1 : 0;
    const name = half === 0 ? factor : factor.slice(1);
    const index = PARAMETERS.indexOf(name as Parameter);
    if (index < 0) throw new Error(`the rig uses the unknown parameter ${JSON.stringify(name)}`);
    return { index, half };
  });
}

/** Brings every value into its parameter's range, in place. */
export function clampValues(values: Values): Values {
  for (let i = 0; i < values.length; i++) {
    const least = i < FIRST_SIGNED ? 0 : -1;
    values[i] = Math.min(1, Math.max(least, values[i] ?? 0));
  }
  return values;
}

export function termValue(term: Term, values: Values): number {
  let product = 1;
  for (const { index, half } of term) {
    const value = values[index] ?? 0;
    product *= half === 0 ? value : Math.max(0, half * value);
  }
  return product;
}

/** A layer made ready for evaluation: what it depends on, and where its result goes. */
export class CompiledLayer {
  readonly points: Float64Array;
  private readonly rest: Float64Array;
  private readonly deltas: { term: Term; by: Float64Array }[];
  private readonly opacities: { term: Term; by: number }[];
  private readonly last: Float64Array;

  constructor(readonly layer: Layer) {
    this.rest = Float64Array.from(layer.points);
    this.points = Float64Array.from(layer.points);
    this.deltas = Object.entries(layer.deltas ?? {}).map(([name, by]) => {
      if (by.length !== layer.points.length) {
        throw new Error(
          `layer ${layer.id}: delta ${name} has ${by.length} numbers, points ${layer.points.length}`,
        );
      }
      return { term: parseTerm(name), by: Float64Array.from(by) };
    });
    this.opacities = Object.entries(layer.opacity_deltas ?? {}).map(([name, by]) => ({
      term: parseTerm(name),
      by,
    }));
    this.last = new Float64Array(this.deltas.length);
  }

  /** Writes `points` for `values`. Gives false when they have not changed since the last call. */
  deform(values: Values): boolean {
    let changed = false;
    this.deltas.forEach(({ term }, i) => {
      const value = termValue(term, values);
      if (value !== this.last[i]) {
        this.last[i] = value;
        changed = true;
      }
    });
    if (changed) this.sum();
    return changed;
  }

  opacity(values: Values): number {
    let opacity = this.layer.opacity ?? 1;
    for (const { term, by } of this.opacities) opacity += termValue(term, values) * by;
    return Math.max(0, Math.min(1, opacity));
  }

  private sum(): void {
    this.points.set(this.rest);
    this.deltas.forEach(({ by }, i) => {
      const value = this.last[i] ?? 0;
      if (value === 0) return;
      for (let k = 0; k < by.length; k++) this.points[k] = (this.points[k] ?? 0) + value * (by[k] ?? 0);
    });
  }
}

/** [a, b, c, d, e, f] as CanvasRenderingContext2D.transform takes it. */
export type Affine = [number, number, number, number, number, number];

/** Where a layer lies: turned about the pivot, then shifted with the head as far as its depth says. */
export function affineOf(layer: Layer, rig: Rig, values: Values): Affine {
  const depth = layer.depth ?? 0;
  const dx = depth * (values[indexOf.head_x] ?? 0) * rig.head.shift[0];
  const dy = depth * (values[indexOf.head_y] ?? 0) * rig.head.shift[1];
  const angle = ((layer.roll ?? 0) * (values[indexOf.head_roll] ?? 0) * rig.head.roll * Math.PI) / 180;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const [px, py] = rig.pivot;
  return [cos, sin, -sin, cos, px - cos * px + sin * py + dx, py - sin * px - cos * py + dy];
}

/** The layers at the bottom that nothing moves, which are drawn once, and the rest. */
export function splitStill(layers: Layer[]): { still: Layer[]; moving: Layer[] } {
  const first = layers.findIndex((layer) => !isStill(layer));
  const at = first < 0 ? layers.length : first;
  // A layer that clips a moving one must stay with it.
  const clips = new Set(layers.slice(at).map((layer) => layer.clip));
  const cut = layers.findIndex((layer, i) => i >= at || clips.has(layer.id));
  const end = cut < 0 ? layers.length : cut;
  return { still: layers.slice(0, end), moving: layers.slice(end) };
}

function isStill({ depth = 0, roll = 0, deltas = {}, opacity_deltas = {} }: Layer): boolean {
  return (
    depth === 0 && roll === 0 && Object.keys(deltas).length === 0 && Object.keys(opacity_deltas).length === 0
  );
}
