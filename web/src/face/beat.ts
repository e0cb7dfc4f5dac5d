/** When to draw, on displays whose own beat is another: so often on average, and never twice at once. Pure. */

/** How much too early a frame may be, of the time between two: the display's next one would be further off. */
const EARLY = 0.3;

export class Beat {
  private next = Number.NEGATIVE_INFINITY;

  /** Whether a frame is due at `now`, if they are to be `step` apart (seconds); if so it counts as drawn. */
  due(now: number, step: number): boolean {
    if (now < this.next - EARLY * step) return false;
    // Who is late by a whole frame has missed it, and does not hurry.
    this.next = now < this.next + step ? this.next + step : now + step;
    return true;
  }
}
