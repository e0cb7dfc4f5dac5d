/** The audio context of the page, made with the first need of it and woken by the user's first gesture. */

import { RATE } from "../protocol/events";
import { Player } from "./playback";

export class AudioOutput {
  private made: { context: AudioContext; player: Player } | null = null;

  get context(): AudioContext {
    return this.open().context;
  }

  get player(): Player {
    return this.open().player;
  }

  /** Browsers start silent; a gesture (this call must come from one) ends that. */
  async wake(): Promise<void> {
    if (this.context.state !== "running") await this.context.resume();
  }

  private open(): { context: AudioContext; player: Player } {
    if (!this.made) {
      const context = new AudioContext({ sampleRate: RATE, latencyHint: "interactive" });
      this.made = { context, player: new Player(context) };
    }
    return this.made;
  }
}
