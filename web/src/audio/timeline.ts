/**
 * Where every sample of speech lies on the audio clock. Pure: the caller brings the time and plays what is placed.
 *
 * Speech arrives in chunks of named streams (one a response). Chunks wait in a jitter buffer until `lead` seconds
 * are there or the stream ends; then they are placed without gaps, in whole frames of the output. When the
 * next chunk comes too late to follow on, buffering starts anew.
 */

export interface Placement {
  stream: string;
  samples: Float32Array<ArrayBuffer>;
  /** Frame of the output clock (time x rate) at which the first sample plays. */
  frame: number;
}

export interface Position {
  stream: string;
  /** Samples of the stream heard so far. */
  sample: number;
  /** False in a gap: the last sample has been heard and the next has not begun. */
  sounding: boolean;
}

interface Span {
  stream: string;
  first: number;
  frame: number;
  length: number;
}

interface Stream {
  received: number;
  placed: number;
  ended: boolean;
}

export class Timeline {
  private spans: Span[] = [];
  private waiting: { stream: string; samples: Float32Array<ArrayBuffer> }[] = [];
  private readonly streams = new Map<string, Stream>();
  private nextFrame = 0;
  private buffering = true;

  constructor(
    private readonly rate: number,
    private readonly lead = 0.08,
    /** A source can't start in the past: the shortest notice at which the output takes one. */
    private readonly notice = 0.012,
  ) {}

  /** Takes a chunk at output time `now` (seconds). Gives what is to be scheduled. */
  push(stream: string, samples: Float32Array<ArrayBuffer>, now: number): Placement[] {
    const state = this.stream(stream);
    state.received += samples.length;
    this.waiting.push({ stream, samples });
    if (this.nextFrame < (now + this.notice) * this.rate) this.buffering = true;
    const buffered = this.waiting.reduce((sum, chunk) => sum + chunk.samples.length, 0);
    return this.buffering && buffered < this.lead * this.rate ? [] : this.place(now);
  }

  /** No more of `stream` will come: what waits is played, however short. */
  end(stream: string, now: number): Placement[] {
    this.stream(stream).ended = true;
    return this.waiting.length > 0 ? this.place(now) : [];
  }

  /** What is heard at output time `time`; null before the first sample ever and after a flush. */
  at(time: number): Position | null {
    const frame = time * this.rate;
    const span = this.spans.findLast((s) => s.frame <= frame);
    if (!span) return null;
    const into = Math.min(frame - span.frame, span.length);
    return { stream: span.stream, sample: span.first + into, sounding: into < span.length };
  }

  /** Output time at which the first sample of `stream` plays; null while it waits. */
  begins(stream: string): number | null {
    const span = this.spans.find((s) => s.stream === stream && s.first === 0);
    return span ? span.frame / this.rate : null;
  }

  /** Milliseconds of `stream` that have come in, heard or not. */
  receivedMs(stream: string): number {
    return ((this.streams.get(stream)?.received ?? 0) / this.rate) * 1000;
  }

  heardMs(stream: string, time: number): number {
    const frame = time * this.rate;
    let samples = 0;
    for (const span of this.spans) {
      if (span.stream === stream && span.frame <= frame) {
        samples = span.first + Math.min(frame - span.frame, span.length);
      }
    }
    return (samples / this.rate) * 1000;
  }

  /** True when `stream` has ended and its last sample has been heard. */
  finished(stream: string, time: number): boolean {
    const state = this.streams.get(stream);
    if (!state?.ended || state.placed < state.received) return false;
    return this.heardMs(stream, time) >= (state.received / this.rate) * 1000 - 0.01;
  }

  /** Streams in order of arrival that are not finished at `time`. */
  open(time: number): string[] {
    return [...this.streams.keys()].filter((stream) => !this.finished(stream, time));
  }

  forget(stream: string): void {
    this.streams.delete(stream);
    this.spans = this.spans.filter((span) => span.stream !== stream);
  }

  /** Forgets everything that has not been heard, and everything that has. */
  flush(): void {
    this.spans = [];
    this.waiting = [];
    this.streams.clear();
    this.nextFrame = 0;
    this.buffering = true;
  }

  private place(now: number): Placement[] {
    if (this.buffering) this.nextFrame = Math.max(this.nextFrame, Math.ceil((now + this.notice) * this.rate));
    this.buffering = false;
    const placed = this.waiting.map(({ stream, samples }) => this.append(stream, samples));
    this.waiting = [];
    return placed;
  }

  private append(stream: string, samples: Float32Array<ArrayBuffer>): Placement {
    const state = this.stream(stream);
    const frame = this.nextFrame;
    const last = this.spans.at(-1);
    if (last?.stream === stream && last.frame + last.length === frame) last.length += samples.length;
    else this.spans.push({ stream, first: state.placed, frame, length: samples.length });
    state.placed += samples.length;
    this.nextFrame = frame + samples.length;
    return { stream, samples, frame };
  }

  private stream(name: string): Stream {
    let state = this.streams.get(name);
    if (!state) {
      state = { received: 0, placed: 0, ended: false };
      this.streams.set(name, state);
    }
    return state;
  }
}
