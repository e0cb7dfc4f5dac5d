/** Which avatar speaks with which voice. */

import type { Catalogue } from "../protocol/catalogue";

export interface Choice {
  avatar: string;
  voice: string;
}

export const NO_CHOICE: Choice = { avatar: "", voice: "" };

/** What was chosen last time while the server still has both, else its first avatar with that one's own voice. */
export function firstChoice(catalogue: Catalogue, stored: string | null): Choice {
  const last = parseChoice(stored);
  const avatar = catalogue.avatars.find((entry) => entry.id === last?.avatar);
  const voice = catalogue.voices.find((entry) => entry.id === last?.voice);
  if (avatar && voice) return { avatar: avatar.id, voice: voice.id };
  const first = catalogue.avatars[0];
  return first ? { avatar: first.id, voice: first.voice } : NO_CHOICE;
}

function parseChoice(text: string | null): Partial<Choice> | null {
  try {
    const value: unknown = JSON.parse(text ?? "null");
    return typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}

/** Who draws the face: this page, or the server, whose pictures it then shows. */
export type Renderer = "here" | "server";

/** What the address asks for (`?video=server`), else what was chosen last. */
export function firstRenderer(search: string, stored: string | null): Renderer {
  const asked = new URLSearchParams(search).get("video") ?? stored;
  return asked === "server" ? "server" : "here";
}

/** How the conversation travels. */
export type Transport = "websocket" | "webrtc";
/** What the user wants of it. */
export type Travel = "auto" | Transport;
export const TRAVELS: readonly Travel[] = ["auto", "websocket", "webrtc"];

/** What the address asks for (`?connection=webrtc`), else what was chosen last. */
export function firstTravel(search: string, stored: string | null): Travel {
  const asked = new URLSearchParams(search).get("connection") ?? stored;
  return TRAVELS.find((one) => one === asked) ?? "auto";
}

/**
 * A socket passes every proxy, but what is lost on the air holds up all that comes after it: on a mobile network it is
 * WebRTC, unless that did not get through before.
 */
export function transportOf(travel: Travel, network: { cellular: boolean; blocked: boolean }): Transport {
  if (network.blocked || travel === "websocket") return "websocket";
  return travel === "webrtc" || network.cellular ? "webrtc" : "websocket";
}
