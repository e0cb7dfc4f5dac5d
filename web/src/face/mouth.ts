/** The mouth frames of each response, and the mouth at any moment of its audio. */

import { MOUTH_RATE } from "../protocol/events";
import { MOUTH } from "./rig";

const SIZE = MOUTH.length;

export class MouthTrack {
  private readonly streams = new Map<string, number[][]>();

  add(stream: string, firstFrame: number, frames: number[][]): void {
    const track = this.streams.get(stream) ?? [];
    this.streams.set(stream, track);
    frames.forEach((frame, i) => {
      track[firstFrame + i] = frame;
    });
  }

  /** Writes the nine values at `seconds` of the stream's audio to `out`; false where no frame has come yet. */
  read(stream: string, seconds: number, out: Float64Array): boolean {
    const track = this.streams.get(stream);
    const place = seconds * MOUTH_RATE;
    const index = Math.floor(place);
    const before = track?.[index];
    if (!before) return false;
    const after = track[index + 1] ?? before;
    const part = place - index;
    for (let i = 0; i < SIZE; i++) {
      const from = before[i] ?? 0;
      out[i] = from + ((after[i] ?? 0) - from) * part;
    }
    return true;
  }

  forget(stream: string): void {
    this.streams.delete(stream);
  }

  clear(): void {
    this.streams.clear();
  }
}
