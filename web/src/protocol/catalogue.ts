/** The avatars and voices that the server offers. */

import { faceFiles, loadPhotoFace, type PhotoFace } from "../face/photo/photo-face";
import type { Rig } from "../face/rig";
import { loadStill, type Still } from "../face/still";
import { fetchWhole } from "./key";

/** By ISO 639-1 code; "en" is always there. */
export type Localised = { en: string } & Record<string, string>;

export interface AvatarEntry {
  id: string;
  kind?: "illustrated" | "photo";
  name: Localised;
  voice: string;
  bundle: string;
  preview?: string | null;
  /** Where its films at rest are; null for one that the server does not draw. */
  idle?: string | null;
}

export interface VoiceEntry {
  id: string;
  name: string;
  languages: string[];
  gender?: string;
}

export interface Catalogue {
  avatars: AvatarEntry[];
  voices: VoiceEntry[];
}

async function get<T>(path: string): Promise<T> {
  const reply = await fetchWhole(path, { headers: { accept: "application/json" } });
  return reply.json() as Promise<T>;
}

export async function loadCatalogue(): Promise<Catalogue> {
  const [avatars, voices] = await Promise.all([
    get<{ data: AvatarEntry[] }>("/v1/avatars"),
    get<{ data: VoiceEntry[] }>("/v1/voices"),
  ]);
  if (avatars.data.length === 0) throw new Error("the server offers no avatars");
  return { avatars: avatars.data, voices: voices.data };
}

/** What an avatar is drawn from: a drawing, a photograph with a face that moves, or one without. */
export type Likeness = Rig | PhotoFace | Still;

export async function loadLikeness(entry: AvatarEntry): Promise<Likeness> {
  if (entry.kind !== "photo") return get<Rig>(entry.bundle);
  const { files } = await get<{ files: Record<string, string> }>(entry.bundle);
  const face = faceFiles(files);
  return face ? loadPhotoFace(face) : loadStill(files["portrait.png"] ?? "");
}

/** The same, small. */
export async function loadThumbnail(entry: AvatarEntry): Promise<Likeness> {
  return entry.kind === "photo" && entry.preview ? loadStill(entry.preview) : loadLikeness(entry);
}
