import { describe, expect, it } from "vitest";
import { Beat } from "../src/face/beat";

/** Pictures a second at a display's rate, whose frames come up to `jitter` of their time late. */
function shown(rate: number, step: number, jitter = 0): number {
  const beat = new Beat();
  let count = 0;
  for (let frame = 0; frame < 10 * rate; frame++) {
    const late = jitter * Math.abs(Math.sin(12.9898 * frame));
    if (beat.due((frame + late) / rate, step)) count++;
  }
  return count / 10;
}

describe("when a frame is due", () => {
  it.each([30, 50, 55, 60, 75, 90, 120, 144])("30 times a second at %i", (rate) => {
    expect(shown(rate, 1 / 30)).toBeGreaterThan(29.5);
    expect(shown(rate, 1 / 30)).toBeLessThan(30.5);
    expect(shown(rate, 1 / 30, 0.4)).toBeGreaterThan(28.5);
  });

  it("60 times where a display shows more, and as often as it shows where it shows less", () => {
    expect(shown(144, 1 / 60)).toBeCloseTo(60, 0);
    expect(shown(60, 1 / 60, 0.25)).toBeGreaterThan(59);
    expect(shown(48, 1 / 60)).toBe(48);
  });

  it("does not hurry after a pause", () => {
    const beat = new Beat();
    expect(beat.due(0, 1)).toBe(true);
    expect(beat.due(5.2, 1)).toBe(true);
    expect(beat.due(5.8, 1)).toBe(false);
    expect(beat.due(6.2, 1)).toBe(true);
  });
});
