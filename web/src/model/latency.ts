/** From the end of the user's turn to the first sound of the answer. */

export class TurnLatency {
  /** Seconds, of the last turn that was answered. */
  last: number | null = null;
  private turnEnded: number | null = null;

  /** The user's turn ended at `at` (ms on the page's clock): their last sample, or the send of a text. */
  ended(at: number | null): void {
    this.turnEnded = at;
  }

  /** The first sample of an answer is heard at `at`. */
  heard(at: number): void {
    if (this.turnEnded === null) return;
    this.last = Math.max(0, at - this.turnEnded) / 1000;
    this.turnEnded = null;
  }
}
