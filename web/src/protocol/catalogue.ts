/** The avatars and voices that the server offers. */

import type { Rig } from "../face/rig";

/** By ISO 639-1 code; "en" is always there. */
export type Localised = { en: string } & Record<string, string>;

export interface AvatarEntry {
  id: string;
  name: Localised;
  voice: string;
  bundle: string;
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
  const reply = await fetch(path, { headers: { accept: "application/json" } });
  if (!reply.ok) throw new Error(`GET ${path} gave ${reply.status}`);
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

export function loadRig(entry: AvatarEntry): Promise<Rig> {
  return get<Rig>(entry.bundle);
}
