/**
 * Fewer triangles for the sheet of the whole picture. Its lines are as close together everywhere as the eyes need it,
 * and a renderer without a GPU pays for triangles more than for pixels.
 */

import type { Sheet } from "./photo-face";

/** How far a place may be from where all its triangles would put it, in pixels of the portrait for one term. */
const TOLERANCE = 0.3;

/**
 * The triangles of a sheet whose vertices are a grid, with blocks of cells taken together where that looks the same.
 * `reach`: pixels that a share of 1, and a pixel of depth, move at most.
 */
export function coarseTriangles(sheet: Sheet, reach: [share: number, depth: number]): Uint16Array {
  const { vertices } = sheet;
  const count = vertices.length / 2;
  let columns = 1;
  while (columns < count && vertices[2 * columns + 1] === vertices[1]) columns++;
  const rows = count / columns;
  if (columns < 2 || !Number.isInteger(rows) || sheet.triangles.length !== 6 * (rows - 1) * (columns - 1)) {
    return sheet.triangles;
  }
  const fields = sheet.deltas.map(({ by }) => by);
  fields.push(sheet.head.map((value, i) => value * (reach[i % 2] ?? 0)));
  const out: number[] = [];
  const split = (top: number, left: number, bottom: number, right: number): void => {
    const [tall, wide] = [bottom - top, right - left];
    if ((tall === 1 && wide === 1) || isFlat(vertices, fields, columns, top, left, bottom, right)) {
      const [a, b] = [top * columns + left, top * columns + right];
      const [c, d] = [bottom * columns + left, bottom * columns + right];
      out.push(a, b, c, b, d, c);
      return;
    }
    // Across the side that is longer in the picture, else cells would become slivers.
    const at = (row: number, column: number, axis: number) =>
      vertices[2 * (row * columns + column) + axis] as number;
    const width = at(top, right, 0) - at(top, left, 0);
    const height = at(bottom, left, 1) - at(top, left, 1);
    if (wide > 1 && (tall === 1 || width >= height)) {
      const middle = (left + right) >> 1;
      split(top, left, bottom, middle);
      split(top, middle, bottom, right);
    } else {
      const middle = (top + bottom) >> 1;
      split(top, left, middle, right);
      split(middle, left, bottom, right);
    }
  };
  split(0, 0, rows - 1, columns - 1);
  return Uint16Array.from(out);
}

/** Whether two triangles move every place of the block as its own do. */
function isFlat(
  vertices: Float32Array,
  fields: Float32Array[],
  columns: number,
  top: number,
  left: number,
  bottom: number,
  right: number,
): boolean {
  const corner = [
    top * columns + left,
    top * columns + right,
    bottom * columns + left,
    bottom * columns + right,
  ];
  const [a = 0, b = 0, c = 0, d = 0] = corner;
  const [x0, y0] = [vertices[2 * a] as number, vertices[2 * a + 1] as number];
  const [x1, y1] = [vertices[2 * d] as number, vertices[2 * d + 1] as number];
  for (let row = top; row <= bottom; row++) {
    for (let column = left; column <= right; column++) {
      const v = row * columns + column;
      const x = ((vertices[2 * v] as number) - x0) / (x1 - x0);
      const y = ((vertices[2 * v + 1] as number) - y0) / (y1 - y0);
      const upper = x + y <= 1; // of the two triangles a b c and b d c
      for (const by of fields) {
        for (let axis = 0; axis < 2; axis++) {
          const n = (vertex: number) => by[2 * vertex + axis] as number;
          const flat = upper
            ? n(a) + x * (n(b) - n(a)) + y * (n(c) - n(a))
            : n(d) + (1 - x) * (n(c) - n(d)) + (1 - y) * (n(b) - n(d));
          if (Math.abs(flat - n(v)) > TOLERANCE) return false;
        }
      }
    }
  }
  return true;
}
