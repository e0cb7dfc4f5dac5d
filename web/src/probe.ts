/** Read-only figures for tests and for the curious, as `window.polytalk`. */

import type { App } from "./app";
import type { Phase } from "./model/call-state";

export interface Probe {
  state(): Phase;
  /** The nine mouth values drawn last, in the order of blendshape frames. */
  mouth(): number[];
  /** Milliseconds heard of the response that plays or played last. */
  played(): number;
  /** True while a film of the server's is seen. */
  filmed(): boolean;
  /** How the conversation travels: "websocket" or "webrtc". */
  transport(): string;
  /** True while the server's pictures of a call over WebRTC are seen. */
  streamed(): boolean;
  /** The pose whose film at rest is played; null while there is none. */
  resting(): string | null;
  /** Frames drawn a second: 60 while a drawing speaks or blinks, 30 while it rests, and of photographs. */
  fps(): number;
  /** What draws the face: "webgl" or "software" a photograph, "2d" a drawing. */
  renderer(): string;
  /** A photograph's face under parameters, as a PNG (data URL) at the portrait's own size; null for other faces. */
  picture(parameters: Parameters<App["face"]["picture"]>[0]): string | null;
  /** Frames painted so far; one like that before it is not. */
  painted(): number;
  /** Seconds from the end of the last turn to the first sound of its answer; null before the first. */
  latency(): number | null;
}

declare global {
  interface Window {
    readonly polytalk: Probe;
  }
}

export function expose(app: App): void {
  const probe: Probe = Object.freeze({
    state: () => app.phase,
    mouth: () => Array.from(app.face.mouth),
    played: () => app.call.playedMs,
    filmed: () => app.filmed,
    transport: () => app.transport,
    streamed: () => app.streamed,
    resting: () => app.rest.showing,
    fps: () => app.face.fps,
    renderer: () => app.face.renderer,
    picture: (parameters: Parameters<App["face"]["picture"]>[0]) => app.face.picture(parameters),
    painted: () => app.face.painted,
    latency: () => app.call.latency.last,
  });
  Object.defineProperty(window, "polytalk", { value: probe });
}
