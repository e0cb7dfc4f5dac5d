/** What a square photograph stands in: the stage is wider or taller, and goes on in the picture's own colours. */

import type { Box } from "./view";

/** How far the picture fades into what surrounds it, as a share of its side. */
export const FADE = 0.1;

/** Side of the small copy that the blurred surround is made of, in pixels a picture. */
const COARSE = 48;

/** How much of the picture at its edge is drawn out over what lies beyond. */
const BAND = 0.14;

export interface Edges {
  left: boolean;
  top: boolean;
  right: boolean;
  bottom: boolean;
}

/**
 * Full height where that leaves the face whole, else `essential` of the width. It touches the top: hair that the
 * photograph cuts off would end in mid-air. Edges lie on device pixels.
 */
export function layPhoto(
  stage: { width: number; height: number; ratio: number },
  size: [number, number],
  essential: number,
): Box {
  const [w, h] = size;
  const scale = Math.min(stage.height / h, stage.width / (w * essential));
  const { ratio } = stage;
  const snap = (length: number) => Math.round(length * ratio) / ratio;
  return { x: snap((stage.width - w * scale) / 2), y: 0, width: snap(w * scale), height: snap(h * scale) };
}

/** At which edges the stage goes on beyond the picture. */
export function openEdges(stage: { width: number; height: number }, box: Box): Edges {
  return {
    left: box.x > 1,
    top: box.y > 1,
    right: box.x + box.width < stage.width - 1,
    bottom: box.y + box.height < stage.height - 1,
  };
}

/** Paints stage and picture: its edges drawn out, out of focus, and the picture that fades into them. */
export function paintSurrounded(
  context: CanvasRenderingContext2D,
  image: HTMLImageElement,
  stage: { width: number; height: number },
  box: Box,
): void {
  const edges = openEdges(stage, box);
  if (!Object.values(edges).some(Boolean)) {
    context.drawImage(image, box.x, box.y, box.width, box.height);
    return;
  }
  const blurred = blur(image);
  context.imageSmoothingQuality = "high";
  // Three pictures each way, the sharp one's place in the middle.
  context.drawImage(blurred, box.x - box.width, box.y - box.height, 3 * box.width, 3 * box.height);
  context.drawImage(faded(image, box, edges, context.getTransform().a), box.x, box.y, box.width, box.height);
}

/**
 * The picture in the middle of three by three: around it only its outermost bands, mirrored and stretched, so that no
 * second head appears. All of it out of focus.
 */
function blur(image: HTMLImageElement): HTMLCanvasElement {
  const [tiles, context] = canvas(3 * COARSE, 3 * COARSE);
  const small = shrunk(image);
  const spans = [
    { start: 0, share: BAND, flip: -1 },
    { start: 0, share: 1, flip: 1 },
    { start: 1 - BAND, share: BAND, flip: -1 },
  ];
  spans.forEach((y, row) => {
    spans.forEach((x, column) => {
      context.setTransform(x.flip, 0, 0, y.flip, (column + 0.5) * COARSE, (row + 0.5) * COARSE);
      const [left, top, width, height] = [x.start, y.start, x.share, y.share].map((part) => part * COARSE);
      context.drawImage(
        small,
        left ?? 0,
        top ?? 0,
        width ?? 0,
        height ?? 0,
        -COARSE / 2,
        -COARSE / 2,
        COARSE,
        COARSE,
      );
    });
  });
  const [soft, softly] = canvas(3 * COARSE, 3 * COARSE);
  softly.filter = `blur(${COARSE / 12}px)`; // where there is no such filter, few pixels are a blur too
  softly.drawImage(tiles, 0, 0);
  return soft;
}

/** By halves: browsers look at few pixels when they shrink a picture much at once. */
function shrunk(image: HTMLImageElement): HTMLCanvasElement {
  let side = 8 * COARSE;
  let [from, context] = canvas(side, side);
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, side, side);
  while (side > COARSE) {
    const [to, into] = canvas(side / 2, side / 2);
    into.drawImage(from, 0, 0, side / 2, side / 2);
    [from, context, side] = [to, into, side / 2];
  }
  return from;
}

function faded(image: HTMLImageElement, box: Box, edges: Edges, ratio: number): HTMLCanvasElement {
  const [width, height] = [
    Math.max(1, Math.round(box.width * ratio)),
    Math.max(1, Math.round(box.height * ratio)),
  ];
  const [made, context] = canvas(width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, width, height);
  context.globalCompositeOperation = "destination-in";
  const sides: [boolean, number, number, number, number][] = [
    [edges.left, 0, 0, width * FADE, 0],
    [edges.right, width, 0, width * (1 - FADE), 0],
    [edges.top, 0, 0, 0, height * FADE],
    [edges.bottom, 0, height, 0, height * (1 - FADE)],
  ];
  for (const [open, x0, y0, x1, y1] of sides) {
    if (!open) continue;
    const gradient = context.createLinearGradient(x0, y0, x1, y1);
    for (let i = 0; i <= 8; i++) {
      const x = i / 8;
      gradient.addColorStop(x, `rgb(0 0 0 / ${x * x * (3 - 2 * x)})`);
    }
    context.fillStyle = gradient;
    context.fillRect(0, 0, width, height);
  }
  return made;
}

function canvas(width: number, height: number): [HTMLCanvasElement, CanvasRenderingContext2D] {
  const made = document.createElement("canvas");
  made.width = width;
  made.height = height;
  return [made, made.getContext("2d") as CanvasRenderingContext2D];
}
