import { deflateRawSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { coarseTriangles } from "../src/face/photo/coarse";
import { Deformer } from "../src/face/photo/deform";
import { readNpz, type Table } from "../src/face/photo/npz";
import { faceFiles, type Sheet, unpackSheet } from "../src/face/photo/photo-face";
import { opaqueFrom } from "../src/face/photo/webgl";
import { indexOf, PARAMETERS, type Parameter, parseTerm } from "../src/face/rig";
import { layPhoto, openEdges } from "../src/face/surround";

function npy(type: string, shape: string, data: Uint8Array): Uint8Array {
  const header = `{'descr': '${type}', 'fortran_order': False, 'shape': ${shape}, }\n`;
  const start = Uint8Array.from([0x93, 78, 85, 77, 80, 89, 1, 0, header.length, 0]);
  return Uint8Array.from([...start, ...new TextEncoder().encode(header), ...data]);
}

function zip(files: [name: string, content: Uint8Array][], deflated: boolean): ArrayBuffer {
  const u16 = (n: number) => [n & 255, n >> 8];
  const u32 = (n: number) => [...u16(n & 0xffff), ...u16(n >>> 16)];
  const body: number[] = [];
  const directory: number[] = [];
  for (const [name, content] of files) {
    const packed = deflated ? deflateRawSync(content) : content;
    const letters = [...new TextEncoder().encode(name)];
    const sizes = [...u32(0), ...u32(packed.length), ...u32(content.length), ...u16(letters.length)];
    const common = [20, 0, 0, 0, ...u16(deflated ? 8 : 0), 0, 0, 0, 0, ...sizes];
    directory.push(
      ...u32(0x02014b50),
      20,
      0,
      ...common,
      ...Array(12).fill(0),
      ...u32(body.length),
      ...letters,
    );
    body.push(...u32(0x04034b50), ...common, 0, 0, ...letters, ...packed);
  }
  const count = u16(files.length);
  const end = [
    ...u32(0x06054b50),
    0,
    0,
    0,
    0,
    ...count,
    ...count,
    ...u32(directory.length),
    ...u32(body.length),
    0,
    0,
  ];
  return Uint8Array.from([...body, ...directory, ...end]).buffer;
}

function values(given: Partial<Record<Parameter, number>>): Float64Array {
  const all = new Float64Array(PARAMETERS.length);
  for (const [name, value] of Object.entries(given)) all[indexOf[name as Parameter]] = value;
  return all;
}

const turn = { shift: [10, 20], parallax: [0.5, 0.25], roll: 90, pivot: [0, 0] } as {
  shift: [number, number];
  parallax: [number, number];
  roll: number;
  pivot: [number, number];
};

/** A grid of 100 x 100 pixels, `moved` by the jaw. */
function sheet(lines: number, moved: (x: number, y: number) => number): Sheet {
  const vertices: number[] = [];
  const triangles: number[] = [];
  for (let row = 0; row < lines; row++) {
    for (let column = 0; column < lines; column++) {
      vertices.push((100 * column) / (lines - 1), (100 * row) / (lines - 1));
      const v = row * lines + column;
      if (row < lines - 1 && column < lines - 1) {
        triangles.push(v, v + 1, v + lines, v + 1, v + lines + 1, v + lines);
      }
    }
  }
  const places = Float32Array.from(vertices);
  const by = places.map((_, i) => (i % 2 ? moved(places[i - 1] ?? 0, places[i] ?? 0) : 0));
  return {
    name: "base",
    texture: "portrait",
    vertices: places,
    uv: places,
    alpha: new Float32Array(lines * lines).fill(1),
    head: new Float32Array(2 * lines * lines),
    triangles: Uint16Array.from(triangles),
    deltas: [{ term: parseTerm("jaw"), by }],
    opacity: [{ term: [], by: 1 }],
  };
}

describe("arrays of a mesh", () => {
  it.each([true, false])("are read from a zip, deflated: %s", async (deflated) => {
    const numbers = new Uint8Array(new Int16Array([1, -2, 300, 4]).buffer);
    const halves = new Uint8Array(new Uint16Array([0x3c00, 0xc000, 0x3555, 0x0001]).buffer);
    const file = zip(
      [
        ["a.npy", npy("<i2", "(2, 2)", numbers)],
        ["b.npy", npy("<f2", "(4,)", halves)],
      ],
      deflated,
    );
    const tables = await readNpz(file);
    expect(tables.get("a")).toEqual({ shape: [2, 2], data: Int16Array.from([1, -2, 300, 4]) });
    const b = Array.from(tables.get("b")?.data ?? []);
    expect(b.slice(0, 2)).toEqual([1, -2]);
    expect(b[2]).toBeCloseTo(1 / 3, 3);
    expect(b[3]).toBe(2 ** -24);
  });

  it("are refused when they are no zip, or of another type", async () => {
    await expect(readNpz(new ArrayBuffer(100))).rejects.toThrow("no zip");
    const objects = zip([["a.npy", npy("|O", "(1,)", new Uint8Array(8))]], true);
    await expect(readNpz(objects)).rejects.toThrow('"|O"');
  });

  it("that don't fit each other make no sheet", () => {
    const data = (numbers: number[]) => ({ shape: [], data: Int16Array.from(numbers) });
    const tables = new Map<string, Table>([
      ["lid.vertices", data([0, 0, 32, 0, 0, 32])],
      ["lid.uv", data([0, 0, 0, 0, 0, 0])],
      ["lid.alpha", { shape: [], data: Uint8Array.from([255, 255, 0]) }],
      ["lid.head", data([0, 0, 0, 0, 0, 0])],
      ["lid.triangles", { shape: [], data: Uint16Array.from([0, 1, 2]) }],
      ["lid.deltas", data([0, 64, 0, 64, 0, 64])],
    ]);
    const entry = { name: "lid", texture: "parts" as const, terms: ["blink"], opacity: { blink: 4 } };
    expect(unpackSheet(entry, tables, 32).vertices).toEqual(Float32Array.from([0, 0, 1, 0, 0, 1]));
    expect(() => unpackSheet({ ...entry, terms: ["blink", "jaw"] }, tables, 32)).toThrow("not whole");
    tables.set("lid.triangles", { shape: [], data: Uint16Array.from([0, 1, 3]) });
    expect(() => unpackSheet(entry, tables, 32)).toThrow("not whole");
    tables.set("lid.triangles", { shape: [], data: Uint16Array.from([0, 1, 2]) });
    tables.delete("lid.uv");
    expect(() => unpackSheet(entry, tables, 32)).toThrow("lid.uv");
  });

  it("are looked for only where a face was built", () => {
    expect(faceFiles({ "portrait.png": "/a" })).toBeNull();
    const files = {
      "face/face.json": "1",
      "face/mesh.npz": "2",
      "face/portrait.jpg": "3",
      "face/parts.png": "4",
    };
    expect(faceFiles(files)).toEqual({ index: "1", mesh: "2", portrait: "3", parts: "4" });
  });
});

describe("a photographed face", () => {
  const corner = 2 * 8; // the last vertex of a grid of 3 x 3, at (100, 100)
  const at = (face: Deformer) => Array.from(face.places.slice(corner, corner + 2));

  it("moves by its terms", () => {
    const one = sheet(3, (x) => x / 10);
    const product = { term: parseTerm("jaw*round*press"), by: new Float32Array(18).fill(8) };
    const face = new Deformer({ sheets: [{ ...one, deltas: [...one.deltas, product] }], turn });
    face.update(values({ jaw: 0.5 }));
    expect(at(face)).toEqual([100, 105]);
    face.update(values({ jaw: 0.5, round: 0.5, press: 1 }));
    expect(at(face)).toEqual([102, 107]);
    face.update(values({}));
    expect(at(face)).toEqual([100, 100]);
  });

  it("turns with its head, nearer places farther", () => {
    const one = sheet(3, () => 0);
    one.head.set([1, 4], corner);
    const face = new Deformer({ sheets: [one], turn });
    face.update(values({ head_x: 1, head_y: -1 }));
    expect(at(face)).toEqual([100 + 10 + 4 * 0.5, 100 - 20 - 4 * 0.25]);
    face.update(values({ head_roll: 1 })); // a quarter, clockwise
    expect(at(face)[0]).toBeCloseTo(-100, 3);
    expect(at(face)[1]).toBeCloseTo(100, 3);
    expect(Array.from(face.places.slice(0, 2))).toEqual([0, 0]);
  });

  it("shows a lid as far as it is shut", () => {
    const lid = { ...sheet(2, () => 0), opacity: [{ term: parseTerm("blink"), by: 4 }] };
    const face = new Deformer({ sheets: [lid], turn });
    const opacity = (blink: number) => {
      face.update(values({ blink }));
      return face.opacity[0];
    };
    expect([0, 0.125, 1].map(opacity)).toEqual([0, 0.5, 1]);
  });
});

describe("what needs no blending", () => {
  it("begins after the last triangle with a soft edge", () => {
    const alpha = [0, 1, 1, 1];
    expect(opaqueFrom([0, 1, 2, 1, 2, 3, 3, 2, 1], alpha)).toBe(3);
    expect(opaqueFrom([1, 2, 3, 2, 0, 1], alpha)).toBe(6);
    expect(opaqueFrom([1, 2, 3], alpha)).toBe(0);
    expect(opaqueFrom([], alpha)).toBe(0);
  });
});

describe("coarser triangles", () => {
  it("are two where everything moves alike", () => {
    const flat = sheet(17, (x, y) => 0.2 * x + 0.1 * y);
    expect(coarseTriangles(flat, [0, 0])).toHaveLength(6);
  });

  it("stay where a face bends, and cover it all", () => {
    const bent = sheet(17, (x) => 6 * Math.max(0, 1 - Math.abs(x - 50) / 8));
    const made = coarseTriangles(bent, [0, 0]);
    expect(made.length).toBeLessThan(bent.triangles.length);
    const place = (v: number) => [bent.vertices[2 * v] ?? 0, bent.vertices[2 * v + 1] ?? 0] as const;
    let area = 0;
    let widest = 0;
    for (let t = 0; t < made.length; t += 3) {
      const [a, b, c] = [place(made[t] ?? 0), place(made[t + 1] ?? 0), place(made[t + 2] ?? 0)];
      area += ((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])) / 2;
      const xs = [a[0], b[0], c[0]];
      if (Math.min(...xs) < 50 && Math.max(...xs) > 44)
        widest = Math.max(widest, Math.max(...xs) - Math.min(...xs));
    }
    expect(area).toBeCloseTo(100 * 100);
    expect(widest).toBeLessThanOrEqual(6.25);
  });

  it("leave alone what is no grid", () => {
    const odd = { ...sheet(3, () => 0), triangles: Uint16Array.from([0, 1, 2]) };
    expect(coarseTriangles(odd, [0, 0])).toBe(odd.triangles);
  });
});

describe("a photograph's place", () => {
  it("is the height of a wide stage, open at both sides", () => {
    const box = layPhoto({ width: 1600, height: 900, ratio: 1 }, [1000, 1000], 0.64);
    expect(box).toEqual({ x: 350, y: 0, width: 900, height: 900 });
    expect(openEdges({ width: 1600, height: 900 }, box)).toEqual({
      left: true,
      top: false,
      right: true,
      bottom: false,
    });
  });

  it("lies on whole device pixels, so that patches fit it", () => {
    const box = layPhoto({ width: 391, height: 333.3, ratio: 1.5 }, [1000, 1000], 0.64);
    for (const edge of [box.x, box.width, box.height]) expect(1.5 * edge).toBeCloseTo(Math.round(1.5 * edge));
  });

  it("touches the top of a tall stage, since hair that is cut off can't end in mid-air", () => {
    const box = layPhoto({ width: 320, height: 900, ratio: 1 }, [1000, 1000], 0.64);
    expect(box).toEqual({ x: -90, y: 0, width: 500, height: 500 });
    expect(openEdges({ width: 320, height: 900 }, box)).toEqual({
      left: false,
      top: false,
      right: false,
      bottom: true,
    });
  });
});
