/** Draws a photographed face with WebGL: textures and meshes go to the GPU once, places with every frame. */

import type { Values } from "../rig";
import { coarseTriangles } from "./coarse";
import { Deformer, INVISIBLE } from "./deform";
import type { PhotoFace } from "./photo-face";

/** `soft`: how fast the picture fades in from its left, top, right and bottom edge; `hard`: 1 where it does not; from vertex to vertex. */
const VERTEX = `
attribute vec2 place;
attribute vec2 uv;
attribute float alpha;
uniform vec4 view;
uniform vec2 texel;
uniform float strength;
uniform vec4 soft;
uniform vec4 hard;
varying vec2 at;
varying float cover;
void main() {
  gl_Position = vec4(place * view.xy + view.zw, 0.0, 1.0);
  at = uv * texel;
  vec4 edge = clamp(vec4(at, 1.0 - at) * soft + hard, 0.0, 1.0);
  edge = edge * edge * (3.0 - 2.0 * edge);
  cover = alpha * strength * edge.x * edge.y * edge.z * edge.w;
}`;

const FRAGMENT = `
precision highp float;
uniform sampler2D picture;
varying vec2 at;
varying float cover;
void main() {
  gl_FragColor = texture2D(picture, at) * cover;
}`;

/** How far the picture fades in from each of its edges, as a share of its side; 0 for not at all. */
export type Fade = [left: number, top: number, right: number, bottom: number];

type Context = WebGLRenderingContext | WebGL2RenderingContext;

interface Span {
  start: number;
  count: number;
  /** From its first index on, all that follows covers what is under it. */
  opaque: number;
  parts: boolean;
}

/** The first index from which all triangles of a sheet are opaque; `triangles.length` where the last is not. */
export function opaqueFrom(triangles: ArrayLike<number>, alpha: ArrayLike<number>): number {
  let at = triangles.length;
  while (at > 0 && alpha[triangles[at - 1] ?? 0] === 1) at--;
  return Math.ceil(at / 3) * 3;
}

export class GlPainter {
  private readonly deformer: Deformer;
  private readonly spans: Span[] = [];
  /** Of each sheet. */
  private readonly triangles: Uint16Array[] = [];
  private program: WebGLProgram | null = null;
  private buffers: WebGLBuffer[] = [];
  private textures: WebGLTexture[] = [];
  private readonly uniforms = new Map<string, WebGLUniformLocation | null>();

  private constructor(
    private readonly gl: Context,
    private readonly face: PhotoFace,
  ) {
    this.deformer = new Deformer(face);
    let start = 0;
    const { size, turn } = face;
    const arm = (turn.roll * Math.PI * 0.5 * size) / 180; // the head's edge is half the picture from the pivot
    const reach: [number, number] = [arm + Math.hypot(...turn.shift), Math.hypot(...turn.parallax)];
    for (const sheet of face.sheets) {
      const triangles = sheet.name === "base" ? coarseTriangles(sheet, reach) : sheet.triangles;
      this.triangles.push(triangles);
      const parts = sheet.texture === "parts"; // whose texture may be translucent anywhere
      const opaque = parts ? triangles.length : opaqueFrom(triangles, sheet.alpha);
      this.spans.push({ start, count: triangles.length, opaque, parts });
      start += triangles.length;
    }
    this.build();
  }

  /** Null where there is no WebGL. */
  static on(canvas: HTMLCanvasElement, face: PhotoFace): GlPainter | null {
    const wanted = { alpha: true, antialias: false, depth: false, stencil: false };
    const gl = (canvas.getContext("webgl2", wanted) ?? canvas.getContext("webgl", wanted)) as Context | null;
    if (!gl || gl.isContextLost()) return null;
    return new GlPainter(gl, face);
  }

  /** Whether there is no GPU, and the processor does its work. */
  get emulated(): boolean {
    const named = this.gl.getExtension("WEBGL_debug_renderer_info");
    const name = named ? String(this.gl.getParameter(named.UNMASKED_RENDERER_WEBGL)) : "";
    return /swiftshader|llvmpipe|software|basic render/i.test(name);
  }

  /** Puts everything onto the GPU; again after the context was lost. */
  build(): void {
    const { gl, face } = this;
    this.program = link(gl);
    gl.useProgram(this.program);
    for (const name of ["view", "texel", "strength", "soft", "hard"]) {
      this.uniforms.set(name, gl.getUniformLocation(this.program, name));
    }
    this.textures = [texture(gl, face.portrait, false), texture(gl, face.parts, true)];
    this.buffers = [this.attributes(), this.places(), this.indices()];
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA); // colours are premultiplied
  }

  /** Draws onto the whole canvas what lies in `window` (left, top, right, bottom in pixels of the portrait). */
  draw(values: Values, window: readonly [number, number, number, number], fade: Fade = [0, 0, 0, 0]): void {
    const { gl, face } = this;
    if (gl.isContextLost()) return;
    this.deformer.update(values);
    gl.viewport(0, 0, gl.drawingBufferWidth, gl.drawingBufferHeight);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.bufferSubData(gl.ARRAY_BUFFER, 0, this.deformer.places);
    const [left, top, right, bottom] = window;
    const [x, y] = [2 / (right - left), -2 / (bottom - top)];
    gl.uniform4f(this.at("view"), x, y, -1 - x * left, 1 - y * top);
    let parts: boolean | null = null;
    this.spans.forEach((span, i) => {
      const opacity = this.deformer.opacity[i] ?? 0;
      if (opacity < INVISIBLE) return;
      if (span.parts !== parts) {
        parts = span.parts;
        const { width, height } = parts ? face.parts : face.portrait;
        gl.bindTexture(gl.TEXTURE_2D, this.textures[parts ? 1 : 0] ?? null);
        gl.uniform2f(this.at("texel"), 1 / width, 1 / height);
        this.soften(span.parts ? [0, 0, 0, 0] : fade);
      }
      gl.uniform1f(this.at("strength"), opacity);
      const opaque = opacity === 1 ? span.opaque : span.count;
      this.fill(span.start, opaque, true);
      this.fill(span.start + opaque, span.count - opaque, false); // blending reads what is there
    });
  }

  /** Frees what it has on the GPU, and the context. */
  dispose(): void {
    const { gl } = this;
    for (const one of this.textures) gl.deleteTexture(one);
    for (const one of this.buffers) gl.deleteBuffer(one);
    gl.deleteProgram(this.program);
    gl.getExtension("WEBGL_lose_context")?.loseContext();
  }

  private fill(start: number, count: number, blended: boolean): void {
    if (count === 0) return;
    const { gl } = this;
    if (blended) gl.enable(gl.BLEND);
    else gl.disable(gl.BLEND);
    gl.drawElements(gl.TRIANGLES, count, gl.UNSIGNED_SHORT, 2 * start);
  }

  /** Without fading an edge counts as full however near. */
  private soften(fade: Fade): void {
    const near = fade.map((share) => (share > 0 ? 1 / share : 0));
    const [a = 0, b = 0, c = 0, d = 0] = near;
    this.gl.uniform4f(this.at("soft"), a, b, c, d);
    const none = fade.map((share) => (share > 0 ? 0 : 1));
    const [e = 0, f = 0, g = 0, h = 0] = none;
    this.gl.uniform4f(this.at("hard"), e, f, g, h);
  }

  private at(name: string): WebGLUniformLocation | null {
    return this.uniforms.get(name) ?? null;
  }

  /** uv and alpha of every vertex: they never change. */
  private attributes(): WebGLBuffer {
    const { gl, face } = this;
    const values = face.sheets.flatMap(({ uv, alpha }) =>
      Array.from(alpha, (a, v) => [uv[2 * v] ?? 0, uv[2 * v + 1] ?? 0, a]).flat(),
    );
    const buffer = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.bufferData(gl.ARRAY_BUFFER, new Float32Array(values), gl.STATIC_DRAW);
    this.point("uv", 2, 12, 0);
    this.point("alpha", 1, 12, 8);
    return buffer;
  }

  /** Stays bound, to be written with every frame. */
  private places(): WebGLBuffer {
    const { gl } = this;
    const buffer = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.bufferData(gl.ARRAY_BUFFER, this.deformer.places.byteLength, gl.DYNAMIC_DRAW);
    this.point("place", 2, 8, 0);
    return buffer;
  }

  private point(name: string, count: number, stride: number, offset: number): void {
    const { gl } = this;
    const where = gl.getAttribLocation(this.program as WebGLProgram, name);
    gl.enableVertexAttribArray(where);
    gl.vertexAttribPointer(where, count, gl.FLOAT, false, stride, offset);
  }

  /** Triangles of all sheets, numbered through. */
  private indices(): WebGLBuffer {
    const { gl, face } = this;
    let first = 0;
    const all = face.sheets.flatMap(({ alpha }, i) => {
      const own = Array.from(this.triangles[i] ?? [], (vertex) => vertex + first);
      first += alpha.length;
      return own;
    });
    if (first > 65_536) throw new Error(`the face has ${first} vertices, more than 65536`);
    const buffer = gl.createBuffer();
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, buffer);
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, new Uint16Array(all), gl.STATIC_DRAW);
    return buffer;
  }
}

/** `fine`: with smaller copies, for teeth that would shimmer; WebGL 1 has them for powers of two only. */
function texture(gl: Context, image: HTMLImageElement, fine: boolean): WebGLTexture {
  const made = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, made);
  gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, true);
  gl.pixelStorei(gl.UNPACK_COLORSPACE_CONVERSION_WEBGL, gl.NONE);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, image);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.LINEAR);
  const copies = fine && "texStorage2D" in gl;
  if (copies) gl.generateMipmap(gl.TEXTURE_2D);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, copies ? gl.LINEAR_MIPMAP_LINEAR : gl.LINEAR);
  return made;
}

function link(gl: Context): WebGLProgram {
  const program = gl.createProgram();
  for (const [kind, source] of [
    [gl.VERTEX_SHADER, VERTEX],
    [gl.FRAGMENT_SHADER, FRAGMENT],
  ] as const) {
    const shader = gl.createShader(kind) as WebGLShader;
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
    gl.deleteShader(shader); // lives on in the program
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) {
    throw new Error(`the face's shaders don't link: ${gl.getProgramInfoLog(program)}`);
  }
  return program;
}
