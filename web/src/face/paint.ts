/** Draws the layers of a rig on a 2-D canvas. */

import {
  type Affine,
  affineOf,
  CompiledLayer,
  type Layer,
  type Paint,
  type Rig,
  type Stop,
  type Values,
} from "./rig";

/** Opacity under which a layer can't change an 8-bit pixel. */
const INVISIBLE = 1 / 512;

/** Where the rig's square lies on the canvas: device pixels = rig pixels x scale + (x, y). */
export interface View {
  scale: number;
  x: number;
  y: number;
}

type Context = CanvasRenderingContext2D;

export class Painter {
  private readonly layers: Drawable[];
  private readonly byId = new Map<string, Drawable>();

  constructor(
    private readonly rig: Rig,
    layers: Layer[] = rig.layers,
  ) {
    this.layers = layers.map((layer) => new Drawable(layer));
    for (const drawable of this.layers) this.byId.set(drawable.layer.id, drawable);
  }

  draw(context: Context, view: View, values: Values): void {
    let clippedBy: string | null = null;
    for (const drawable of this.layers) {
      const { layer } = drawable;
      const opacity = drawable.compiled.opacity(values);
      if (opacity < INVISIBLE || !(layer.fill || layer.stroke)) continue;
      const clip = layer.clip ?? null;
      if (clip !== clippedBy) {
        if (clippedBy !== null) context.restore();
        clippedBy = clip;
        if (clip !== null) this.clip(context, view, values, clip);
      }
      place(context, view, affineOf(layer, this.rig, values));
      context.globalAlpha = opacity;
      drawable.paint(context, values);
    }
    if (clippedBy !== null) context.restore();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.globalAlpha = 1;
  }

  private clip(context: Context, view: View, values: Values, id: string): void {
    context.save();
    const drawable = this.byId.get(id);
    if (!drawable) return;
    place(context, view, affineOf(drawable.layer, this.rig, values));
    context.clip(drawable.path(values));
  }
}

/** A layer with its path and paints, kept until they change. */
class Drawable {
  readonly compiled: CompiledLayer;
  private drawn: Path2D | null = null;
  private fill: string | CanvasGradient | null = null;

  constructor(readonly layer: Layer) {
    this.compiled = new CompiledLayer(layer);
  }

  path(values: Values): Path2D {
    const changed = this.compiled.deform(values);
    if (changed || !this.drawn) this.drawn = pathOf(this.layer.ops, this.compiled.points);
    return this.drawn;
  }

  paint(context: Context, values: Values): void {
    const path = this.path(values);
    if (this.layer.fill) {
      this.fill ??= styleOf(context, this.layer.fill);
      context.fillStyle = this.fill;
      context.fill(path);
    }
    if (this.layer.stroke) {
      context.strokeStyle = this.layer.stroke.color;
      context.lineWidth = this.layer.stroke.width;
      context.lineCap = this.layer.stroke.cap ?? "round";
      context.lineJoin = "round";
      context.stroke(path);
    }
  }
}

function place(context: Context, view: View, [a, b, c, d, e, f]: Affine): void {
  const { scale, x, y } = view;
  context.setTransform(a * scale, b * scale, c * scale, d * scale, e * scale + x, f * scale + y);
}

function pathOf(ops: string, points: Float64Array): Path2D {
  const path = new Path2D();
  let i = 0;
  const next = (): number => points[i++] ?? 0;
  for (const op of ops) {
    // Arguments are evaluated from left to right, so x comes before y.
    if (op === "M") path.moveTo(next(), next());
    else if (op === "L") path.lineTo(next(), next());
    else if (op === "Q") path.quadraticCurveTo(next(), next(), next(), next());
    else if (op === "C") path.bezierCurveTo(next(), next(), next(), next(), next(), next());
    else if (op === "Z") path.closePath();
    else throw new Error(`the rig uses the unknown path command ${JSON.stringify(op)}`);
  }
  return path;
}

/** A paint in the units of the rig; a gradient follows whatever transform is set when it is used. */
export function styleOf(context: Context, paint: Paint): string | CanvasGradient {
  if (typeof paint === "string") return paint;
  const gradient = gradientOf(context, paint);
  for (const [offset, color, alpha = 1] of paint.stops)
    gradient.addColorStop(offset, withAlpha(color, alpha));
  return gradient;
}

function gradientOf(context: Context, paint: Exclude<Paint, string>): CanvasGradient {
  if (paint.linear) {
    const [x1, y1, x2, y2] = paint.linear;
    return context.createLinearGradient(x1, y1, x2, y2);
  }
  const [x, y, r] = paint.radial;
  return context.createRadialGradient(x, y, 0, x, y, r);
}

function withAlpha(color: string, alpha: Stop[2] = 1): string {
  return alpha >= 1
    ? color
    : color +
        Math.round(alpha * 255)
          .toString(16)
          .padStart(2, "0");
}
