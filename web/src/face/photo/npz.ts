/** Reads NumPy's .npz: a zip of arrays. The formats are in PKWARE's APPNOTE and numpy.lib.format. */

export interface Table {
  shape: number[];
  data: Uint8Array | Int16Array | Uint16Array | Float32Array;
}

const END = 0x06054b50;
const ENTRY = 0x02014b50;
const ENTRY_SIZE = 46;
const DEFLATED = 8;

/** All arrays of the file by name. Throws for what is no such file. */
export async function readNpz(file: ArrayBuffer): Promise<Map<string, Table>> {
  const view = new DataView(file);
  let end = file.byteLength - 22;
  while (end >= 0 && view.getUint32(end, true) !== END) end--;
  if (end < 0) throw new Error("the mesh is no zip file");
  const entries: Promise<[string, Table]>[] = [];
  let at = view.getUint32(end + 16, true);
  for (let left = view.getUint16(end + 10, true); left > 0; left--) {
    if (view.getUint32(at, true) !== ENTRY) throw new Error("the mesh's directory is broken");
    entries.push(readEntry(file, view, at));
    at +=
      ENTRY_SIZE +
      view.getUint16(at + 28, true) +
      view.getUint16(at + 30, true) +
      view.getUint16(at + 32, true);
  }
  return new Map(await Promise.all(entries));
}

async function readEntry(file: ArrayBuffer, view: DataView, at: number): Promise<[string, Table]> {
  const name = new TextDecoder().decode(new Uint8Array(file, at + ENTRY_SIZE, view.getUint16(at + 28, true)));
  const local = view.getUint32(at + 42, true);
  const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
  const packed = new Uint8Array(file, start, view.getUint32(at + 20, true));
  const bytes = view.getUint16(at + 10, true) === DEFLATED ? await inflate(packed) : packed;
  return [name.replace(/\.npy$/, ""), readNpy(bytes)];
}

async function inflate(packed: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function readNpy(bytes: Uint8Array<ArrayBuffer>): Table {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [start, length] = bytes[6] === 1 ? [10, view.getUint16(8, true)] : [12, view.getUint32(8, true)];
  const header = new TextDecoder().decode(bytes.subarray(start, start + length));
  const type = /'descr': '([^']+)'/.exec(header)?.[1] ?? "";
  const shape =
    /'shape': \(([^)]*)\)/
      .exec(header)?.[1]
      ?.split(",")
      .filter((n) => n.trim()) ?? [];
  const data = bytes.slice(start + length).buffer;
  return { shape: shape.map(Number), data: typed(type, data) };
}

function typed(type: string, data: ArrayBuffer): Table["data"] {
  if (type === "|u1") return new Uint8Array(data);
  if (type === "<i2") return new Int16Array(data);
  if (type === "<u2") return new Uint16Array(data);
  if (type === "<f2") return Float32Array.from(new Uint16Array(data), half);
  throw new Error(`the mesh has an array of the unknown type ${JSON.stringify(type)}`);
}

/** IEEE 754 binary16. */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
