/** The sound of a call over WebRTC: the server says when an answer begins and ends, and the browser plays it. */

import type { Cut } from "../audio/playback";
import type { Position } from "../audio/timeline";
import type { Loudspeaker } from "../model/ports";
import { RATE } from "../protocol/events";

/** What a browser holds back on an even network, ms: when sound is heard that can't be listened for. */
const DELAY_MS = 80;
/** Sound that was listened for and not found within so long began in another sound. */
const FOUND_WITHIN_MS = 400;
/** What the server sends ahead of what is heard, at most: what is known of an answer's length. */
const LEAD_MS = 500;

export class LiveSound implements Loudspeaker {
  private stream = "";
  private startedAt = 0;
  private beganAt = 0;
  private found = false;
  private endedAt: number | null = null;
  private readonly over = new Set<string>();

  constructor(
    private readonly now: () => number,
    /** What the server still plays is to stop. */
    private readonly clear: () => void,
    /** When sound began that was not heard before a moment (`Ear`); null if none has. */
    private readonly heardSince: (since: number) => number | null = () => null,
  ) {}

  /** The server says so: `output_audio_buffer.started`, `.stopped`, `.cleared`. */
  began(stream: string): void {
    this.stream = stream;
    this.startedAt = this.now();
    this.beganAt = this.startedAt + DELAY_MS;
    this.found = false;
    this.endedAt = null;
  }

  ended(stream: string): void {
    if (stream === this.stream) this.endedAt = this.now() + this.beganAt - this.startedAt;
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

  /** Null while it is listened for. */
  firstHeardAt(stream: string): number | null {
    if (stream !== this.stream) return null;
    if (!this.found) {
      const heard = this.heardSince(this.startedAt - DELAY_MS); // packets may be faster than the event
      if (heard !== null) this.beganAt = Math.max(heard, this.startedAt - DELAY_MS);
      this.found = heard !== null || this.now() - this.startedAt > FOUND_WITHIN_MS;
    }
    return this.found ? this.beganAt : null;
  }
}
