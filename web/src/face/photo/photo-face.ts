/** The face of a photograph, format `polytalk-photo/1`: sheets of triangles over two textures. Types, and loading. */

import { fetchPicture, fetchWhole } from "../../protocol/key";
import { type Motion, parseTerm, type Term } from "../rig";
import { readNpz, type Table } from "./npz";

export type Rect = [left: number, top: number, right: number, bottom: number];

export interface Turn {
  shift: [number, number];
  parallax: [number, number];
  roll: number;
  pivot: [number, number];
}

interface Entry {
  name: string;
  texture: "portrait" | "parts";
  terms: string[];
  opacity: Record<string, number>;
}

export interface FaceIndex {
  format: string;
  size: number;
  step: number;
  turn: Turn;
  motion: Motion;
  jaw_box: Rect;
  eye_boxes: Rect[];
  sheets: Entry[];
}

/** V vertices, painted after the sheets before it. Lengths in pixels of the portrait. */
export interface Sheet {
  name: string;
  texture: "portrait" | "parts";
  /** [V, 2]. */
  vertices: Float32Array;
  /** [V, 2] in pixels of the texture. */
  uv: Float32Array;
  /** [V] in 0..1. */
  alpha: Float32Array;
  /** [V, 2]: share of the head's motion, and depth. */
  head: Float32Array;
  /** [T, 3]. */
  triangles: Uint16Array;
  deltas: { term: Term; by: Float32Array }[];
  opacity: { term: Term; by: number }[];
}

export interface PhotoFace {
  portrait: HTMLImageElement;
  parts: HTMLImageElement;
  size: number;
  turn: Turn;
  motion: Motion;
  jawBox: Rect;
  eyeBoxes: Rect[];
  sheets: Sheet[];
}

/** Gives where each file of the face is; null when the avatar has none and is its still picture. */
export function faceFiles(
  files: Record<string, string>,
): Record<"index" | "mesh" | "portrait" | "parts", string> | null {
  const [index, mesh, portrait, parts] = ["face.json", "mesh.npz", "portrait.jpg", "parts.png"].map(
    (name) => files[`face/${name}`],
  );
  return index && mesh && portrait && parts ? { index, mesh, portrait, parts } : null;
}

export async function loadPhotoFace(files: NonNullable<ReturnType<typeof faceFiles>>): Promise<PhotoFace> {
  const [index, mesh, portrait, parts] = await Promise.all([
    fetchWhole(files.index).then((reply) => reply.json() as Promise<FaceIndex>),
    fetchWhole(files.mesh).then((reply) => reply.arrayBuffer()),
    fetchPicture(files.portrait),
    fetchPicture(files.parts),
  ]);
  const tables = await readNpz(mesh);
  if (index.format !== "polytalk-photo/1") throw new Error(`a face of the unknown format ${index.format}`);
  return {
    portrait,
    parts,
    size: index.size,
    turn: index.turn,
    motion: index.motion,
    jawBox: index.jaw_box,
    eyeBoxes: index.eye_boxes,
    sheets: index.sheets.map((entry) => unpackSheet(entry, tables, index.step)),
  };
}

export function unpackSheet(entry: Entry, tables: Map<string, Table>, step: number): Sheet {
  const table = (key: string): Table => {
    const found = tables.get(`${entry.name}.${key}`);
    if (!found) throw new Error(`the mesh has no ${entry.name}.${key}`);
    return found;
  };
  const floats = (key: string, divisor: number): Float32Array =>
    Float32Array.from(table(key).data, (value) => value / divisor);
  const vertices = floats("vertices", step);
  const deltas = entry.terms.length > 0 ? floats("deltas", step) : new Float32Array(0);
  const triangles = Uint16Array.from(table("triangles").data);
  const count = vertices.length / 2;
  if (deltas.length !== entry.terms.length * vertices.length || triangles.some((vertex) => vertex >= count)) {
    throw new Error(`the sheet ${entry.name} is not whole`);
  }
  return {
    name: entry.name,
    texture: entry.texture,
    vertices,
    uv: floats("uv", step),
    alpha: floats("alpha", 255),
    head: floats("head", 1),
    triangles,
    deltas: entry.terms.map((text, i) => ({
      term: termOf(text),
      by: deltas.subarray(i * vertices.length, (i + 1) * vertices.length),
    })),
    opacity: Object.entries(entry.opacity).map(([text, by]) => ({ term: termOf(text), by })),
  };
}

/** The empty term is 1. */
function termOf(text: string): Term {
  return text === "" ? [] : parseTerm(text);
}
