import { describe, expect, it } from "vitest";
import { Mover, type Stage } from "../src/face/motion";
import { MouthTrack } from "../src/face/mouth";
import { indexOf, type Motion, type Parameter } from "../src/face/rig";
import { layPicture } from "../src/face/view";

const motion: Motion = {
  idle: { head_x: [[0.5, 4, 0]] },
  blink: { every: [2, 2], seconds: 0.2 },
  poses: { idle: {}, listening: { brow: 0.4 } },
  pose_seconds: 0.4,
  nod: { head_y: 0.5 },
};
const idle: Stage = { pose: "idle", speaking: false, mouth: new Float64Array(9), calm: false };

function read(mover: Mover, time: number, stage: Stage, name: Parameter): number {
  return mover.update(time, stage)[indexOf[name]] ?? Number.NaN;
}

describe("the mover", () => {
  it("sways in sines", () => {
    expect(read(new Mover(motion), 1, idle, "head_x")).toBeCloseTo(0.5);
    expect(read(new Mover(motion), 3, idle, "head_x")).toBeCloseTo(-0.5);
  });

  it("blinks after the gap, fully and for as long as the bundle says", () => {
    const mover = new Mover(motion);
    expect(read(mover, 1.9, idle, "blink")).toBe(0);
    expect(read(mover, 2.1, idle, "blink")).toBeCloseTo(1);
    expect(read(mover, 2.21, idle, "blink")).toBe(0);
  });

  it("cross-fades poses", () => {
    const mover = new Mover(motion);
    mover.update(0, idle);
    const listening = { ...idle, pose: "listening" };
    expect(read(mover, 1, listening, "brow")).toBeCloseTo(0);
    expect(read(mover, 1.2, listening, "brow")).toBeCloseTo(0.2);
    expect(read(mover, 1.4, listening, "brow")).toBeCloseTo(0.4);
  });

  it("does not jump when a pose changes in the middle of a fade", () => {
    const mover = new Mover(motion);
    mover.update(0, idle);
    const listening = { ...idle, pose: "listening" };
    mover.update(1, listening);
    const before = read(mover, 1.2, listening, "brow");
    expect(read(mover, 1.2, idle, "brow")).toBeCloseTo(before);
  });

  it("nods with the voice only while speaking", () => {
    const mouth = Float64Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0);
    const silent = new Mover(motion);
    const speaking = new Mover(motion);
    for (let i = 0; i <= 60; i++) {
      silent.update(i / 60, { ...idle, mouth });
      speaking.update(i / 60, { ...idle, mouth, speaking: true });
    }
    expect(read(silent, 1, { ...idle, mouth }, "head_y")).toBe(0);
    expect(read(speaking, 1, { ...idle, mouth, speaking: true }, "head_y")).toBeCloseTo(
      0.5 * (1 - Math.exp(-4)),
      1,
    );
  });

  it("keeps the head still for those who ask for less motion", () => {
    expect(read(new Mover(motion), 1, { ...idle, calm: true }, "head_x")).toBe(0);
  });
});

describe("the mouth track", () => {
  const frame = (jaw: number) => [jaw, 0, 0, 0, 0, 0, 0, 0, 0];
  const jaw = (track: MouthTrack, seconds: number) => {
    const out = new Float64Array(9);
    return track.read("r", seconds, out) ? out[0] : null;
  };

  it("interpolates between frames, each at i / 50 s", () => {
    const track = new MouthTrack();
    track.add("r", 0, [frame(0), frame(1)]);
    expect(jaw(track, 0)).toBe(0);
    expect(jaw(track, 0.01)).toBeCloseTo(0.5);
  });

  it("takes lists in any order and knows where it has none", () => {
    const track = new MouthTrack();
    track.add("r", 2, [frame(0.8)]);
    expect(jaw(track, 0.02)).toBe(null);
    track.add("r", 0, [frame(0.2), frame(0.4)]);
    expect(jaw(track, 0.03)).toBeCloseTo(0.6);
  });

  it("forgets what was interrupted", () => {
    const track = new MouthTrack();
    track.add("r", 0, [frame(1)]);
    track.clear();
    expect(jaw(track, 0)).toBe(null);
  });
});

describe("laying the picture", () => {
  it("uses the whole height of a wide stage", () => {
    expect(layPicture({ width: 1600, height: 900 }, [512, 512])).toEqual({
      x: 350,
      y: 0,
      width: 900,
      height: 900,
    });
  });

  it("keeps the face whole on a tall stage, with room for captions below", () => {
    const box = layPicture({ width: 370, height: 800 }, [500, 500]);
    expect(box.width).toBeCloseTo(500);
    expect(box.x).toBeCloseTo(-65);
    expect(800 - box.y - box.height).toBeGreaterThan(box.y);
  });
});
