/** What the call needs of the world around it. */

import type { Cut } from "../audio/playback";
import type { Position } from "../audio/timeline";
import type { ClientEvent, ProtocolError } from "../protocol/events";

/** `Player` is one. */
export interface Loudspeaker {
  push(stream: string, samples: Float32Array<ArrayBuffer>): void;
  end(stream: string): void;
  flush(): Cut[];
  position(): Position | null;
  heardMs(stream: string): number;
  receivedMs(stream: string): number;
  finished(stream: string): boolean;
  forget(stream: string): void;
  firstHeardAt(stream: string): number | null;
}

/** `MouthTrack` is one. */
export interface MouthSink {
  add(stream: string, firstFrame: number, frames: number[][]): void;
  forget(stream: string): void;
  clear(): void;
}

export interface CallPorts {
  send(event: ClientEvent): boolean;
  /** Whether the microphone goes to the server as a track of its own, and not as events. */
  streams(): boolean;
  loudspeaker(): Loudspeaker;
  mouth: MouthSink;
  /** Where the session's films are to be had; null when it has none. */
  media(address: { url: string; token: string } | null): void;
  /** The page's clock, ms. */
  now(): number;
  newId(): string;
  failed(error: ProtocolError): void;
}
