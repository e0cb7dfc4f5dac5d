/** Plays responses on the audio clock, and knows to the sample what has been heard. */

import { RATE } from "../protocol/events";
import { AudibleClock } from "./audible";
import { type Placement, type Position, Timeline } from "./timeline";

const FADE_S = 0.01;

export interface Cut {
  stream: string;
  /** What the user really heard of it. */
  playedMs: number;
}

export class Player {
  private readonly timeline = new Timeline(RATE);
  private readonly clock = new AudibleClock();
  private readonly sources = new Set<AudioBufferSourceNode>();
  private gain: GainNode;

  constructor(private readonly context: AudioContext) {
    this.gain = this.newGain();
  }

  push(stream: string, samples: Float32Array<ArrayBuffer>): void {
    if (samples.length > 0) this.schedule(this.timeline.push(stream, samples, this.context.currentTime));
  }

  end(stream: string): void {
    this.schedule(this.timeline.end(stream, this.context.currentTime));
  }

  /** Falls silent within the fade. Gives the streams that were cut off, with what was heard of each. */
  flush(): Cut[] {
    const time = this.heardTime();
    const cuts = this.timeline
      .open(time)
      .filter((stream) => this.timeline.receivedMs(stream) > 0)
      .map((stream) => ({ stream, playedMs: this.timeline.heardMs(stream, time) }));
    const now = this.context.currentTime;
    this.gain.gain.setValueAtTime(1, now);
    this.gain.gain.linearRampToValueAtTime(0, now + FADE_S);
    for (const source of this.sources) source.stop(now + FADE_S);
    this.sources.clear();
    this.gain = this.newGain();
    this.timeline.flush();
    return cuts;
  }

  /** What is heard now. */
  position(): Position | null {
    return this.timeline.at(this.heardTime());
  }

  heardMs(stream: string): number {
    return this.timeline.heardMs(stream, this.heardTime());
  }

  receivedMs(stream: string): number {
    return this.timeline.receivedMs(stream);
  }

  finished(stream: string): boolean {
    return this.timeline.finished(stream, this.heardTime());
  }

  forget(stream: string): void {
    this.timeline.forget(stream);
  }

  /** When the first sample of `stream` reaches the ear, on the page's clock (ms); null while it is not placed. */
  firstHeardAt(stream: string): number | null {
    const begins = this.timeline.begins(stream);
    return begins === null ? null : performance.now() + (begins - this.heardTime()) * 1000;
  }

  private heardTime(): number {
    // Safari before 18.4 knows no outputLatency; baseLatency is the part of it that it does know.
    const latency = this.context.outputLatency || this.context.baseLatency || 0;
    return this.clock.read(this.context.currentTime - latency, performance.now() / 1000);
  }

  private schedule(placements: Placement[]): void {
    for (const { samples, frame } of placements) {
      const buffer = this.context.createBuffer(1, samples.length, RATE);
      buffer.copyToChannel(samples, 0);
      const source = this.context.createBufferSource();
      source.buffer = buffer;
      source.connect(this.gain);
      source.onended = () => this.sources.delete(source);
      source.start(frame / RATE);
      this.sources.add(source);
    }
  }

  private newGain(): GainNode {
    const gain = this.context.createGain();
    gain.connect(this.context.destination);
    return gain;
  }
}
