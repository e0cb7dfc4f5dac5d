/** Runs on the audio thread: microphone blocks in, 20 ms packets of PCM16 at the protocol's rate out. */

import { toPcm16 } from "./pcm";
import { Resampler } from "./resample";

// What AudioWorkletGlobalScope gives; TypeScript's DOM library does not describe it.
declare const sampleRate: number;
declare const currentTime: number;
declare function registerProcessor(name: string, processor: unknown): void;
declare const AudioWorkletProcessor: { new (): { readonly port: MessagePort } };

export interface CapturedPacket {
  samples: Int16Array<ArrayBuffer>;
  /** Loudest sample, 0..1. */
  peak: number;
  /** Time of the context when the last sample was captured, seconds. */
  until: number;
}

const RATE = 24_000;
const PACKET = RATE / 50;

class Capture extends AudioWorkletProcessor {
  private readonly resampler = sampleRate === RATE ? null : new Resampler(sampleRate, RATE);
  private packet = new Int16Array(PACKET);
  private filled = 0;
  private peak = 0;

  process(inputs: Float32Array[][]): boolean {
    const block = inputs[0]?.[0];
    if (block) for (const sample of this.resampler ? this.resampler.push(block) : block) this.take(sample);
    return true;
  }

  private take(sample: number): void {
    this.packet[this.filled++] = toPcm16(sample);
    this.peak = Math.max(this.peak, Math.abs(sample));
    if (this.filled < PACKET) return;
    const message: CapturedPacket = { samples: this.packet, peak: this.peak, until: currentTime };
    this.port.postMessage(message, [this.packet.buffer]);
    this.packet = new Int16Array(PACKET);
    this.filled = 0;
    this.peak = 0;
  }
}

registerProcessor("capture", Capture);
