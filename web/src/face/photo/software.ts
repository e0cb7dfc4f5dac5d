/**
 * Draws mouth and lids of a photographed face without WebGL: the same meshes, filled pixel by pixel into those parts of
 * the picture that they change. The head stays where it is, since the whole picture would cost too much.
 */

import { indexOf, MOUTH, PARAMETERS, type Values } from "../rig";
import { Deformer, INVISIBLE } from "./deform";
import type { PhotoFace, Rect, Sheet } from "./photo-face";

interface Pixels {
  width: number;
  height: number;
  /** RGBA, premultiplied. */
  data: Uint8ClampedArray;
}

interface Patch {
  /** Device pixels of the picture. */
  left: number;
  top: number;
  image: ImageData;
  /** What is there at rest; null for a patch that paints its whole ground itself. */
  ground: Uint8ClampedArray | null;
  /** What its picture hangs on. */
  depends: number[];
  last: Float64Array;
  values: Values;
}

const MOUTH_NAMES = [...MOUTH.filter((name) => name !== "blink"), "smile"] as const;

export class SoftPainter {
  private readonly deformer: Deformer;
  private readonly portrait: Pixels;
  private readonly parts: Pixels;
  private readonly patches: Patch[];

  /** `scale`: device pixels for each pixel of the portrait. */
  constructor(
    private readonly face: PhotoFace,
    private readonly scale: number,
  ) {
    this.deformer = new Deformer(face);
    const side = Math.max(1, Math.round(face.size * scale));
    this.portrait = pixels(face.portrait, side, side);
    this.parts = pixels(face.parts, face.parts.naturalWidth, face.parts.naturalHeight);
    const mouth = MOUTH_NAMES.map((name) => indexOf[name]);
    this.patches = [
      this.patch(face.jawBox, mouth, true),
      ...face.eyeBoxes.map((box) => this.patch(box, [indexOf.blink], false)),
    ];
  }

  /** Brings the canvas up to date, whose origin is (x, y) of the scaled picture. Gives how many patches changed. */
  draw(context: CanvasRenderingContext2D, values: Values, x: number, y: number, anew: boolean): number {
    let drawn = 0;
    for (const patch of this.patches) {
      const changed = patch.depends.some((index, i) => patch.last[i] !== values[index]);
      if (changed) this.fill(patch, values);
      if (!changed && !anew) continue;
      context.putImageData(patch.image, patch.left - x, patch.top - y);
      drawn++;
    }
    return drawn;
  }

  private patch([left, top, right, bottom]: Rect, depends: number[], grounded: boolean): Patch {
    const [x, y] = [Math.floor(left * this.scale), Math.floor(top * this.scale)];
    const width = Math.min(this.portrait.width, Math.ceil(right * this.scale)) - x;
    const height = Math.min(this.portrait.height, Math.ceil(bottom * this.scale)) - y;
    const image = new ImageData(width, height);
    const row = 4 * this.portrait.width;
    for (let line = 0; line < height; line++) {
      const start = (y + line) * row + 4 * x;
      image.data.set(this.portrait.data.subarray(start, start + 4 * width), 4 * width * line);
    }
    return {
      left: x,
      top: y,
      image,
      ground: grounded ? image.data.slice() : null,
      depends,
      last: new Float64Array(depends.length).fill(Number.NaN),
      values: new Float64Array(PARAMETERS.length),
    };
  }

  private fill(patch: Patch, values: Values): void {
    patch.depends.forEach((index, i) => {
      patch.last[i] = values[index] ?? 0;
      patch.values[index] = values[index] ?? 0;
    });
    this.deformer.update(patch.values);
    if (patch.ground) patch.image.data.set(patch.ground);
    this.face.sheets.forEach((sheet, i) => {
      const opacity = this.deformer.opacity[i] ?? 0;
      if (opacity < INVISIBLE || (patch.ground && sheet.name === "base")) return;
      this.sheet(patch, sheet, this.deformer.parts[i] as Float32Array, opacity);
    });
  }

  private sheet(patch: Patch, sheet: Sheet, places: Float32Array, opacity: number): void {
    const { scale } = this;
    const texture = sheet.texture === "parts" ? this.parts : this.portrait;
    const grow = sheet.texture === "parts" ? 1 : scale;
    const { triangles, uv, alpha } = sheet;
    const corners = new Float64Array(15);
    for (let t = 0; t < triangles.length; t += 3) {
      for (let c = 0; c < 3; c++) {
        const v = triangles[t + c] as number;
        corners[5 * c] = (places[2 * v] as number) * scale - patch.left;
        corners[5 * c + 1] = (places[2 * v + 1] as number) * scale - patch.top;
        corners[5 * c + 2] = (uv[2 * v] as number) * grow;
        corners[5 * c + 3] = (uv[2 * v + 1] as number) * grow;
        corners[5 * c + 4] = (alpha[v] as number) * opacity;
      }
      fillTriangle(patch.image, texture, corners);
    }
  }
}

/** Corners: x, y, u, v, weight of each. Pixels count whose centre lies inside. */
function fillTriangle(out: ImageData, texture: Pixels, k: Float64Array): void {
  const n = (i: number) => k[i] as number;
  const [ax, ay] = [n(0), n(1)];
  const [bx, by, cx, cy] = [n(5) - ax, n(6) - ay, n(10) - ax, n(11) - ay];
  const area = bx * cy - by * cx;
  if (Math.abs(area) < 1e-9) return;
  const lowY = Math.max(0, Math.ceil(ay + Math.min(0, by, cy) - 0.5));
  const highY = Math.min(out.height - 1, Math.floor(ay + Math.max(0, by, cy) - 0.5));
  const lowX = Math.max(0, Math.ceil(ax + Math.min(0, bx, cx) - 0.5));
  const highX = Math.min(out.width - 1, Math.floor(ax + Math.max(0, bx, cx) - 0.5));
  const [betaX, gammaX] = [cy / area, -by / area];
  for (let y = lowY; y <= highY; y++) {
    const py = y + 0.5 - ay;
    let px = lowX + 0.5 - ax;
    let beta = (px * cy - py * cx) / area;
    let gamma = (py * bx - px * by) / area;
    for (let x = lowX; x <= highX; x++, px++, beta += betaX, gamma += gammaX) {
      if (beta < -1e-9 || gamma < -1e-9 || beta + gamma > 1 + 1e-9) continue;
      const weight = n(4) + beta * (n(9) - n(4)) + gamma * (n(14) - n(4));
      const u = n(2) + beta * (n(7) - n(2)) + gamma * (n(12) - n(2));
      const v = n(3) + beta * (n(8) - n(3)) + gamma * (n(13) - n(3));
      blend(out.data, 4 * (y * out.width + x), texture, u - 0.5, v - 0.5, weight);
    }
  }
}

function blend(
  out: Uint8ClampedArray,
  at: number,
  texture: Pixels,
  u: number,
  v: number,
  weight: number,
): void {
  const { width, height, data } = texture;
  const x = Math.max(0, Math.min(width - 1.001, u));
  const y = Math.max(0, Math.min(height - 1.001, v));
  const [left, top] = [x | 0, y | 0];
  const [right, below] = [x - left, y - top];
  const a = 4 * (top * width + left);
  const c = a + 4 * width;
  const [w0, w1] = [(1 - right) * (1 - below) * weight, right * (1 - below) * weight];
  const [w2, w3] = [(1 - right) * below * weight, right * below * weight];
  const get = (i: number) => data[i] as number;
  const keep = 1 - (get(a + 3) * w0 + get(a + 7) * w1 + get(c + 3) * w2 + get(c + 7) * w3) / 255;
  for (let i = 0; i < 3; i++) {
    const found = get(a + i) * w0 + get(a + 4 + i) * w1 + get(c + i) * w2 + get(c + 4 + i) * w3;
    out[at + i] = (out[at + i] as number) * keep + found;
  }
}

function pixels(image: HTMLImageElement, width: number, height: number): Pixels {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d", { willReadFrequently: true }) as CanvasRenderingContext2D;
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  for (let i = 0; i < data.length; i += 4) {
    const alpha = (data[i + 3] as number) / 255;
    if (alpha === 1) continue;
    for (let c = 0; c < 3; c++) data[i + c] = (data[i + c] as number) * alpha;
  }
  return { width, height, data };
}
