import { describe, expect, it } from "vitest";
import { AudibleClock } from "../src/audio/audible";
import { CaptureClock } from "../src/audio/capture-clock";
import { Timeline } from "../src/audio/timeline";

const RATE = 1000; // a sample is a millisecond
const LEAD = 0.08;
const NOTICE = 0.01;
const chunk = (samples: number) => new Float32Array(samples);
const timeline = () => new Timeline(RATE, LEAD, NOTICE);

describe("scheduling", () => {
  it("waits until the lead is buffered", () => {
    const line = timeline();
    expect(line.push("a", chunk(50), 1)).toEqual([]);
    expect(line.push("a", chunk(50), 1.02).map(({ frame }) => frame)).toEqual([1030, 1080]);
  });

  it("plays what is shorter than the lead when its stream ends", () => {
    const line = timeline();
    line.push("a", chunk(30), 1);
    expect(line.end("a", 1.01).map(({ frame }) => frame)).toEqual([1020]);
  });

  it("leaves no gap between chunks", () => {
    const line = timeline();
    line.push("a", chunk(100), 1);
    expect(line.push("a", chunk(100), 1.05)[0]?.frame).toBe(1110);
    expect(line.push("a", chunk(100), 1.1)[0]?.frame).toBe(1210);
  });

  it("buffers anew when a chunk comes too late to follow on", () => {
    const line = timeline();
    line.push("a", chunk(100), 1); // plays from 1.010 to 1.110
    expect(line.push("a", chunk(40), 1.2)).toEqual([]);
    expect(line.push("a", chunk(40), 1.21).map(({ frame }) => frame)).toEqual([1220, 1260]);
  });

  it("starts the next stream where the one before ends", () => {
    const line = timeline();
    line.push("a", chunk(100), 1);
    line.end("a", 1);
    expect(line.push("b", chunk(100), 1.01)[0]?.frame).toBe(1110);
  });
});

describe("what is heard", () => {
  it("is nothing before the first sample", () => {
    const line = timeline();
    line.push("a", chunk(100), 1);
    expect(line.at(1.005)).toBe(null);
  });

  it("is known to the sample, across gaps", () => {
    const line = timeline();
    line.push("a", chunk(100), 1); // 1.010 .. 1.110
    expect(line.at(1.05)).toEqual({ stream: "a", sample: 40, sounding: true });
    expect(line.at(1.15)).toEqual({ stream: "a", sample: 100, sounding: false });
    line.push("a", chunk(100), 1.2); // 1.210 .. 1.310
    expect(line.at(1.26)?.sample).toBeCloseTo(150);
    expect(line.heardMs("a", 1.26)).toBeCloseTo(150);
  });

  it("is finished only when the stream has ended and its last sample was heard", () => {
    const line = timeline();
    line.push("a", chunk(100), 1);
    expect(line.finished("a", 2)).toBe(false);
    line.end("a", 1.05);
    expect(line.finished("a", 1.1)).toBe(false);
    expect(line.finished("a", 1.11)).toBe(true);
  });

  it("begins when the first sample plays", () => {
    const line = timeline();
    line.push("a", chunk(40), 1);
    expect(line.begins("a")).toBe(null);
    line.push("a", chunk(40), 1.04);
    expect(line.begins("a")).toBe(1.05);
  });
});

describe("a flush", () => {
  it("forgets what plays and what waits, and buffers anew", () => {
    const line = timeline();
    line.push("a", chunk(100), 1);
    line.push("b", chunk(10), 1.5);
    line.flush();
    expect(line.at(1.05)).toBe(null);
    expect(line.open(1.05)).toEqual([]);
    expect(line.push("c", chunk(100), 1.06)[0]?.frame).toBe(1070);
  });
});

describe("the audible clock", () => {
  it("moves evenly while the output clock moves in steps", () => {
    const clock = new AudibleClock();
    const steps = 0.02;
    let last = clock.read(0, 10);
    let widest = 0;
    for (let i = 1; i <= 600; i++) {
      const page = 10 + i / 60;
      const heard = clock.read(Math.floor((page - 10) / steps) * steps, page);
      if (i > 200) widest = Math.max(widest, Math.abs(heard - last - 1 / 60));
      last = heard;
    }
    expect(widest).toBeLessThan(0.002);
    expect(Math.abs(last - 10)).toBeLessThan(steps);
  });

  it("follows a real jump at once", () => {
    const clock = new AudibleClock();
    clock.read(1, 10);
    expect(clock.read(0.5, 11)).toBeCloseTo(0.5);
  });
});

describe("the capture clock", () => {
  it("finds a sample's moment across a pause of the microphone", () => {
    const clock = new CaptureClock(RATE);
    clock.sentPacket(20, 5020);
    clock.sentPacket(20, 5040);
    clock.sentPacket(20, 9020); // muted in between
    expect(clock.capturedAt(30)).toBe(5030);
    expect(clock.capturedAt(50)).toBe(9010);
  });

  it("knows nothing before anything was sent, and counts each session from its first sample", () => {
    const clock = new CaptureClock(RATE);
    expect(clock.capturedAt(10)).toBe(null);
    clock.sentPacket(100, 1000);
    clock.restart();
    clock.sentPacket(100, 3000);
    expect(clock.capturedAt(50)).toBe(2950);
  });
});
