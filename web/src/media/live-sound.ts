/** The sound of a call over WebRTC: the server says when an answer begins and ends, and the browser plays it. */

import type { Cut } from "../audio/playback";
import type { Position } from "../audio/timeline";
import type { Loudspeaker } from "../model/ports";
import { RATE } from "../protocol/events";

/** What a browser holds back on an even network, ms. */
const DELAY_MS = 80;
/** What the server sends ahead of what is heard, at most: what is known of an answer's length. */
const LEAD_MS = 500;

export class LiveSound implements Loudspeaker {
  private stream = "";
  private beganAt = 0;
  private endedAt: number | null = null;
  private readonly over = new Set<string>();

  constructor(
    private readonly now: () => number,
    /** What the server still plays is to stop. */
    private readonly clear: () => void,
  ) {}

  /** The server says so: `output_audio_buffer.started`, `.stopped`, `.cleared`. */
  began(stream: string): void {
    this.stream = stream;
    this.beganAt = this.now() + DELAY_MS;
    this.endedAt = null;
  }

  ended(stream: string): void {
    if (stream === this.stream) this.endedAt = this.now() + DELAY_MS;
    else this.over.add(stream);
  }

  push(): void {}

  end(): void {}

  flush(): Cut[] {
    if (this.stream === "" || this.endedAt !== null) return [];
    const cut = { stream: this.stream, playedMs: this.heardMs(this.stream) };
    this.stream = "";
    this.clear();
    return [cut];
  }

  position(): Position | null {
    if (this.stream === "" || this.now() < this.beganAt) return null;
    const sounding = this.endedAt === null || this.now() < this.endedAt;
    return { stream: this.stream, sample: (this.heardMs(this.stream) * RATE) / 1000, sounding };
  }

  heardMs(stream: string): number {
    if (stream !== this.stream) return 0;
    return Math.max(0, Math.min(this.now(), this.endedAt ?? Number.POSITIVE_INFINITY) - this.beganAt);
  }

  receivedMs(stream: string): number {
    return stream === this.stream ? this.heardMs(stream) + LEAD_MS : 0;
  }

  finished(stream: string): boolean {
    return stream === this.stream
      ? this.endedAt !== null && this.now() >= this.endedAt
      : this.over.has(stream);
  }

  forget(stream: string): void {
    this.over.delete(stream);
    if (stream === this.stream) this.stream = "";
  }

  firstHeardAt(stream: string): number | null {
    return stream === this.stream ? this.beganAt : null;
  }
}
