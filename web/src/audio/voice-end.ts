/** When the user's voice fell off, by what this page captured: on a call over WebRTC the server counts other samples. */

const BLOCK = 120;
/** As the server has it (dialogue/ears/loudness.py): softer than the loudest by so much is no voice, … */
const RANGE_DB = 30;
/** … and by so much a second an earlier sound counts less. */
const FADING_DB = 5;
const SILENT_DB = -200;

export class VoiceEnd {
  private loudest = SILENT_DB;
  private last: number | null = null;

  constructor(private readonly rate: number) {}

  /** A packet whose last sample was captured at `until` (ms). */
  push(samples: Int16Array, until: number): void {
    const lasts = (1000 * BLOCK) / this.rate;
    for (let end = BLOCK; end <= samples.length; end += BLOCK) {
      const level = decibels(samples.subarray(end - BLOCK, end));
      this.loudest = Math.max(this.loudest - (FADING_DB * lasts) / 1000, level);
      if (level >= this.loudest - RANGE_DB) this.last = until - (1000 * (samples.length - end)) / this.rate;
    }
  }

  /** The end (ms) of a voice that the server, having waited for `silence` ms, says at `now` is over. */
  before(now: number, silence: number): number {
    return Math.min(this.last ?? now, now - silence);
  }
}

function decibels(block: Int16Array): number {
  const power = block.reduce((sum, sample) => sum + (sample / 32768) ** 2, 0) / block.length;
  return Math.max(SILENT_DB, 10 * Math.log10(power));
}
