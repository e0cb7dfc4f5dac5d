/** Read-only figures for tests and for the curious, as `window.polytalk`. */

import type { App } from "./app";
import type { Phase } from "./model/call-state";

export interface Probe {
  state(): Phase;
  /** The nine mouth values drawn last, in the order of blendshape frames. */
  mouth(): number[];
  /** Milliseconds heard of the response that plays or played last. */
  played(): number;
  /** Frames drawn a second: 60 while the face speaks or blinks, 30 while it rests. */
  fps(): number;
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
    fps: () => app.face.fps,
    latency: () => app.call.latency.last,
  });
  Object.defineProperty(window, "polytalk", { value: probe });
}
