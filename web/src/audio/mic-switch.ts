/** The microphone as the user sees it: on or off, its level, what went wrong. */

import { Microphone, MicrophoneError, type MicrophoneProblem, type Packet } from "./capture";
import type { AudioOutput } from "./output";

/** A level falls by this factor with each packet of 20 ms. */
const DECAY = 0.9;

export interface MicHooks {
  packet(packet: Packet): void;
  opened(): void;
  closed(): void;
  failed(problem: MicrophoneProblem | "lost"): void;
}

export class MicSwitch {
  /** Loudest sample of late, 0..1. */
  level = 0;
  private microphone: Microphone | null = null;
  private busy = false;

  constructor(
    private readonly output: AudioOutput,
    private readonly hooks: MicHooks,
  ) {}

  get on(): boolean {
    return this.microphone !== null;
  }

  /** What it captures; null while it is off. */
  get track(): MediaStreamTrack | null {
    return this.microphone?.track ?? null;
  }

  /** Must be called from a gesture of the user. */
  async toggle(): Promise<void> {
    if (this.busy) return; // the browser is asking for permission
    if (this.microphone) return this.close();
    this.busy = true;
    try {
      await this.output.wake();
      this.microphone = await Microphone.open(
        this.output.context,
        (packet) => this.take(packet),
        () => this.lost(),
      );
      this.hooks.opened();
    } catch (error) {
      this.hooks.failed(error instanceof MicrophoneError ? error.problem : "failed");
    } finally {
      this.busy = false;
    }
  }

  private take(packet: Packet): void {
    this.level = Math.max(packet.peak, this.level * DECAY);
    this.hooks.packet(packet);
  }

  private lost(): void {
    this.close();
    this.hooks.failed("lost");
  }

  private close(): void {
    this.microphone?.close();
    this.microphone = null;
    this.level = 0;
    this.hooks.closed();
  }
}
