/** Where each answer's film lies on the player's one timeline, and what of it has been seen. Pure. */

import type { Cut } from "../audio/playback";
import type { Position } from "../audio/timeline";
import { RATE } from "../protocol/events";

interface Film {
  stream: string;
  /** Second of the player's timeline at which it begins. */
  offset: number;
  /** Seconds of it that the player has. */
  length: number;
  ended: boolean;
}

/** The last of a film that a player may leave out: its clock stops a little before the end. */
const TAIL_S = 0.08;
const MOST_DROPPED = 16;

export class Reel {
  private films: Film[] = [];
  private readonly gone: string[] = [];

  /** Puts a film behind those before it, or, when they are over, where the player stands. Gives its offset. */
  begin(stream: string, now: number, buffered: number): number {
    const offset = Math.max(now, buffered);
    this.films = [...this.films.filter((film) => film.stream !== stream), film(stream, offset)];
    return offset;
  }

  has(stream: string): boolean {
    return this.films.some((film) => film.stream === stream);
  }

  /** True for a film that was cut off: what still comes of it is thrown away. */
  dropped(stream: string): boolean {
    return this.gone.includes(stream);
  }

  /** The player has everything up to a second of its timeline. */
  received(stream: string, until: number): void {
    const found = this.find(stream);
    if (found) found.length = Math.max(found.length, until - found.offset);
  }

  end(stream: string): void {
    const found = this.find(stream);
    if (found) found.ended = true;
  }

  /** What is seen when the player stands at `now`. */
  at(now: number): Position | null {
    const found = this.films.findLast(({ offset, length }) => length > 0 && offset <= now);
    if (!found) return null;
    const into = Math.min(now - found.offset, found.length);
    return { stream: found.stream, sample: into * RATE, sounding: into < found.length - TAIL_S / 2 };
  }

  offset(stream: string): number | null {
    return this.find(stream)?.offset ?? null;
  }

  heardMs(stream: string, now: number): number {
    const found = this.find(stream);
    return found ? Math.min(Math.max(0, now - found.offset), found.length) * 1000 : 0;
  }

  receivedMs(stream: string): number {
    return (this.find(stream)?.length ?? 0) * 1000;
  }

  finished(stream: string, now: number): boolean {
    const found = this.find(stream);
    return found?.ended === true && now >= found.offset + found.length - TAIL_S;
  }

  forget(stream: string): void {
    this.films = this.films.filter((film) => film.stream !== stream);
  }

  /** Drops every film; gives those that were not over. */
  flush(now: number): Cut[] {
    const cuts = this.films
      .filter(({ stream, length }) => length > 0 && !this.finished(stream, now))
      .map(({ stream }) => ({ stream, playedMs: this.heardMs(stream, now) }));
    this.gone.push(...this.films.map(({ stream }) => stream));
    this.gone.splice(0, this.gone.length - MOST_DROPPED);
    this.films = [];
    return cuts;
  }

  private find(stream: string): Film | undefined {
    return this.films.find((film) => film.stream === stream);
  }
}

function film(stream: string, offset: number): Film {
  return { stream, offset, length: 0, ended: false };
}
