/** Films in a video element, by Media Source Extensions: one after another on one timeline, each at its offset. */

import type { Cut } from "../audio/playback";
import type { Position } from "../audio/timeline";
import type { Loudspeaker } from "../model/ports";
import { Reel } from "./reel";

/** What is behind the playhead by so much is given back to the browser. */
const KEPT_S = 10;
/** A film that begins so far from the playhead is gone to. */
const NEAR_S = 0.04;

type Step = (buffer: SourceBuffer) => void;

export class FilmPlayer implements Loudspeaker {
  private readonly reel = new Reel();
  private source: MediaSource | null = null;
  private buffer: SourceBuffer | null = null;
  private mime = "";
  private steps: Step[] = [];
  private begun: { stream: string; at: number } | null = null;
  /** The stream that frames belong to. */
  private current = "";

  constructor(private readonly video: HTMLVideoElement) {}

  static plays(mime: string): boolean {
    return "MediaSource" in window && MediaSource.isTypeSupported(mime);
  }

  begin(stream: string, mime: string): void {
    this.current = stream;
    this.open(mime);
    this.add((buffer) => {
      if (this.mime !== mime) buffer.changeType(mime);
      this.mime = mime;
      buffer.abort(); // a timestamp offset can't change within a segment
      buffer.timestampOffset = this.reel.begin(stream, this.video.currentTime, this.bufferedEnd());
      const old = this.video.currentTime - KEPT_S;
      if (old > 0) buffer.remove(0, old);
    });
  }

  /** What comes until the next film begins is not wanted. */
  skip(): void {
    this.current = "";
  }

  /** More of the film that was begun last: its init segment first. */
  frame(data: ArrayBuffer): void {
    const stream = this.current;
    if (stream === "" || this.reel.dropped(stream)) return;
    this.add((buffer) => buffer.appendBuffer(data));
    this.add(() => this.arrived(stream));
  }

  has(stream: string): boolean {
    return this.reel.has(stream);
  }

  push(): void {
    throw new Error("a film brings its own sound");
  }

  /** Said by the media socket, not by the conversation's: `ended`. */
  end(): void {}

  ended(stream: string): void {
    this.add(() => this.reel.end(stream));
  }

  position(): Position | null {
    return this.reel.at(this.video.currentTime);
  }

  heardMs(stream: string): number {
    return this.reel.heardMs(stream, this.video.currentTime);
  }

  receivedMs(stream: string): number {
    return this.reel.receivedMs(stream);
  }

  finished(stream: string): boolean {
    return this.reel.finished(stream, this.video.currentTime);
  }

  forget(stream: string): void {
    this.reel.forget(stream);
  }

  firstHeardAt(stream: string): number | null {
    const offset = this.reel.offset(stream);
    const into = offset === null ? 0 : this.video.currentTime - offset;
    if (into <= 0) return null;
    if (this.begun?.stream !== stream) this.begun = { stream, at: performance.now() - into * 1000 };
    return this.begun.at;
  }

  /** Silent and still at once; what waits is dropped. */
  flush(): Cut[] {
    this.video.pause();
    this.steps = [];
    this.skip();
    const cuts = this.reel.flush(this.video.currentTime);
    this.add((buffer) => {
      buffer.abort();
      if (buffer.buffered.length > 0) buffer.remove(this.video.currentTime, Number.POSITIVE_INFINITY);
    });
    return cuts;
  }

  private open(mime: string): void {
    if (this.source) return;
    const source = new MediaSource();
    this.source = source;
    this.video.src = URL.createObjectURL(source);
    source.addEventListener("sourceopen", () => {
      if (this.source !== source || this.buffer) return;
      this.mime = mime;
      this.buffer = source.addSourceBuffer(mime);
      this.buffer.addEventListener("updateend", () => this.work());
      this.work();
    });
  }

  private add(step: Step): void {
    this.steps.push(step);
    this.work();
  }

  private work(): void {
    while (this.buffer && !this.buffer.updating) {
      const step = this.steps.shift();
      if (!step) return;
      step(this.buffer);
    }
  }

  private arrived(stream: string): void {
    this.reel.received(stream, this.bufferedEnd());
    const offset = this.reel.offset(stream);
    if (offset === null || this.reel.receivedMs(stream) === 0) return;
    const { video } = this;
    const over =
      this.reel.at(video.currentTime)?.stream !== stream && !this.reel.at(video.currentTime)?.sounding;
    if (video.currentTime < offset && (video.paused || over || offset - video.currentTime < NEAR_S)) {
      video.currentTime = offset;
    }
    if (video.paused) video.play().catch(() => undefined); // without a gesture: it plays with the next one
  }

  /** Second up to which the player has picture and sound. */
  private bufferedEnd(): number {
    const buffered = this.buffer?.buffered;
    return buffered && buffered.length > 0 ? buffered.end(buffered.length - 1) : 0;
  }
}
