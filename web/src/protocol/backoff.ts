/** Waits between attempts to connect: doubling from half a second to 15 s, with jitter so that clients spread out. */

const FIRST_MS = 500;
const MOST_MS = 15_000;

/** Milliseconds to wait before attempt number `attempt` (0 is the first retry); `random` in 0..1. */
export function backoffMs(attempt: number, random: number): number {
  const full = Math.min(MOST_MS, FIRST_MS * 2 ** attempt);
  return Math.round(full * (0.75 + 0.25 * random));
}
