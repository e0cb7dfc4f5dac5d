import { describe, expect, it } from "vitest";
import {
  affineOf,
  CompiledLayer,
  clampValues,
  indexOf,
  type Layer,
  PARAMETERS,
  type Parameter,
  parseTerm,
  type Rig,
  splitStill,
  termValue,
} from "../src/face/rig";

function values(given: Partial<Record<Parameter, number>>): Float64Array {
  const all = new Float64Array(PARAMETERS.length);
  for (const [name, value] of Object.entries(given)) all[indexOf[name as Parameter]] = value;
  return all;
}

const layer: Layer = {
  id: "lip",
  ops: "ML",
  points: [0, 0, 10, 0],
  deltas: { jaw: [0, 0, 0, 20], "jaw*round": [0, 0, -8, 0], "-gaze_x": [4, 0, 0, 0] },
  opacity: 0.2,
  opacity_deltas: { teeth: 0.6, "+gaze_x": -1 },
};

const rig = { pivot: [100, 200], head: { shift: [14, 10], roll: 6 } } as unknown as Rig;

describe("terms", () => {
  it("multiply parameters", () => {
    expect(termValue(parseTerm("jaw*round"), values({ jaw: 0.5, round: 0.5 }))).toBe(0.25);
  });

  it("take the positive or the negative half of a signed parameter", () => {
    expect(termValue(parseTerm("-gaze_x"), values({ gaze_x: -0.5 }))).toBe(0.5);
    expect(termValue(parseTerm("-gaze_x"), values({ gaze_x: 0.5 }))).toBe(0);
    expect(termValue(parseTerm("+gaze_x"), values({ gaze_x: 0.5 }))).toBe(0.5);
    expect(termValue(parseTerm("+gaze_x"), values({ gaze_x: -0.5 }))).toBe(0);
  });

  it("refuse a parameter that no face has", () => {
    expect(() => parseTerm("jaw*ears")).toThrow('"ears"');
  });

  it("see values inside their ranges only", () => {
    const clamped = clampValues(values({ jaw: 1.4, round: -0.2, gaze_x: -3, head_x: 0.4 }));
    const read = (name: Parameter) => clamped[indexOf[name]];
    expect([read("jaw"), read("round"), read("gaze_x"), read("head_x")]).toEqual([1, 0, -1, 0.4]);
  });
});

describe("a layer", () => {
  it("moves its points by the sum of its deltas", () => {
    const compiled = new CompiledLayer(layer);
    compiled.deform(values({ jaw: 0.5, round: 1, gaze_x: -1 }));
    expect(Array.from(compiled.points)).toEqual([4, 0, 6, 10]);
  });

  it("goes back to its points at rest", () => {
    const compiled = new CompiledLayer(layer);
    compiled.deform(values({ jaw: 1 }));
    compiled.deform(values({}));
    expect(Array.from(compiled.points)).toEqual(layer.points);
  });

  it("says when nothing has changed, so that its path can be kept", () => {
    const compiled = new CompiledLayer(layer);
    expect(compiled.deform(values({ jaw: 0.5 }))).toBe(true);
    expect(compiled.deform(values({ jaw: 0.5, smile: 1 }))).toBe(false);
  });

  it("keeps its opacity in 0..1", () => {
    const compiled = new CompiledLayer(layer);
    expect(compiled.opacity(values({ teeth: 0.5 }))).toBeCloseTo(0.5);
    expect(compiled.opacity(values({ gaze_x: 1 }))).toBe(0);
  });

  it("refuses a delta of another length than its points", () => {
    expect(() => new CompiledLayer({ ...layer, deltas: { jaw: [1] } })).toThrow("delta jaw has 1");
  });
});

describe("the affine of a layer", () => {
  const at = ([a, b, c, d, e, f]: number[], x: number, y: number) => {
    const n = (value: number | undefined) => value ?? Number.NaN;
    return [n(a) * x + n(c) * y + n(e), n(b) * x + n(d) * y + n(f)];
  };

  it("shifts with the head in proportion to depth", () => {
    const affine = affineOf({ ...layer, depth: 0.5 }, rig, values({ head_x: 1, head_y: -1 }));
    expect(at(affine, 3, 4)).toEqual([10, -1]);
  });

  it("rolls clockwise about the pivot", () => {
    const affine = affineOf({ ...layer, roll: 1 }, rig, values({ head_roll: 1 }));
    expect(at(affine, 100, 200)).toEqual([100, 200]);
    const [x = 0, y = 0] = at(affine, 100, 100);
    const angle = (6 * Math.PI) / 180;
    expect(x).toBeCloseTo(100 + 100 * Math.sin(angle));
    expect(y).toBeCloseTo(200 - 100 * Math.cos(angle));
  });

  it("leaves a layer of the background where it is", () => {
    expect(affineOf(layer, rig, values({ head_x: 1, head_roll: 1 }))).toEqual([1, 0, -0, 1, 0, 0]);
  });
});

describe("splitting off the still layers", () => {
  const still = (id: string): Layer => ({ id, ops: "M", points: [0, 0] });

  it("takes those at the bottom that nothing moves", () => {
    const split = splitStill([still("wall"), layer, still("frame")]);
    expect(split.still.map(({ id }) => id)).toEqual(["wall"]);
    expect(split.moving.map(({ id }) => id)).toEqual(["lip", "frame"]);
  });

  it("leaves a clipping layer with what it clips", () => {
    const split = splitStill([still("window"), { ...layer, clip: "window" }]);
    expect(split.moving.map(({ id }) => id)).toEqual(["window", "lip"]);
  });
});
