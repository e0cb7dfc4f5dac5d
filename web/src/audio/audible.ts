/**
 * The moment of the output clock that reaches the ear now.
 *
 * `AudioContext.currentTime` moves in steps of a hardware buffer. Its offset to the page's clock is
 * nearly constant, so the offset is smoothed and the page's clock runs between the steps: lips move evenly.
 */

const SMOOTHING = 0.05;
/** A jump larger than this is a real one (device changed, context suspended), and is followed at once. */
const JUMP_S = 0.06;

export class AudibleClock {
  private offset = Number.NaN;

  /** `output` = currentTime - outputLatency, `page` = performance.now() / 1000, both in seconds. */
  read(output: number, page: number): number {
    const offset = output - page;
    if (!(Math.abs(offset - this.offset) < JUMP_S)) this.offset = offset;
    else this.offset += (offset - this.offset) * SMOOTHING;
    return page + this.offset;
  }
}
