import { describe, expect, it } from "vitest";
import { problemOf } from "../src/audio/capture";
import { decodePcm, encodePcm, toPcm16 } from "../src/audio/pcm";
import { Resampler } from "../src/audio/resample";

describe("pcm", () => {
  it("survives the wire", () => {
    const samples = Int16Array.of(0, 1, -1, 32767, -32768);
    const floats = decodePcm(encodePcm(samples));
    expect(Array.from(floats, (x) => x * 32768)).toEqual(Array.from(samples));
  });

  it("limits what is too loud", () => {
    expect([toPcm16(2), toPcm16(-2)]).toEqual([32767, -32767]);
  });
});

describe("the resampler", () => {
  const sine = (hz: number, rate: number, seconds: number) =>
    Float32Array.from({ length: rate * seconds }, (_, i) => Math.sin((2 * Math.PI * hz * i) / rate));
  const run = (input: Float32Array, from: number, to: number) => {
    const resampler = new Resampler(from, to);
    const out: number[] = [];
    for (let i = 0; i < input.length; i += 128) out.push(...resampler.push(input.subarray(i, i + 128)));
    return out;
  };
  const loudest = (samples: number[]) => Math.max(...samples.slice(500, -500).map(Math.abs));

  it.each([48_000, 44_100, 16_000])("keeps a tone of speech from %i Hz, in block after block", (rate) => {
    const out = run(sine(440, rate, 0.5), rate, 24_000);
    const wanted = sine(440, 24_000, 0.5);
    const error = loudest(out.map((x, i) => x - (wanted[i] ?? 0)));
    expect(error).toBeLessThan(0.02);
    expect(Math.abs(out.length - 12_000)).toBeLessThan(20);
  });

  it("removes what the new rate cannot carry", () => {
    expect(loudest(run(sine(20_000, 48_000, 0.5), 48_000, 24_000))).toBeLessThan(0.01);
  });
});

describe("a microphone that does not open", () => {
  it.each([
    ["NotAllowedError", "denied"],
    ["NotFoundError", "missing"],
    ["NotReadableError", "busy"],
    ["TypeError", "failed"],
  ])("%s means %s", (name, problem) => {
    const error = new Error();
    error.name = name;
    expect(problemOf(error)).toBe(problem);
  });
});
