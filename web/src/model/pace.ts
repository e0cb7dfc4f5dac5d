/**
 * Which part of a text has been spoken by a given moment of its audio.
 *
 * The protocol sends text and audio side by side, without word times. Each piece of text comes no later than its audio, so
 * the audio received so far is the earliest moment at which the piece can begin; between two such
 * anchors the text is spread by how long its letters take to say.
 */

/** Milliseconds a unit of weight takes in ordinary speech: about 15 Latin letters or 5 Chinese characters a second. */
const TYPICAL_MS = 62;
/** Nobody speaks faster: text that seems to is only text that came long before its audio. */
const FASTEST_MS = 38;

const IDEOGRAPH = /[\u3400-\u9fff\uf900-\ufaff\u3040-\u30ff\uac00-\ud7af]/;
const PAUSE = /[.!?…。！？]/;
const BREATH = /[,;:，、；：—]/;

/** How long a character takes to say, in units of a Latin letter. */
export function weightOf(character: string): number {
  if (IDEOGRAPH.test(character)) return 3.2;
  if (PAUSE.test(character)) return 4;
  if (BREATH.test(character)) return 2;
  if (/\d/.test(character)) return 4; // "1984" is three words
  return 1;
}

interface Anchor {
  weight: number;
  ms: number;
}

export class Pace {
  private readonly anchors: Anchor[] = [];
  /** Weight of the text up to and with each character. */
  private readonly weights: number[] = [];
  private total: number | null = null;

  /** Adds text that came when `receivedMs` of the audio had. */
  add(text: string, receivedMs: number): void {
    const last = this.anchors.at(-1);
    if (!last || receivedMs > last.ms) this.anchors.push({ weight: this.weight, ms: receivedMs });
    for (const character of text.split("")) this.weights.push(this.weight + weightOf(character));
  }

  /** The audio is complete, and this long. */
  finish(totalMs: number): void {
    this.total = totalMs;
  }

  /** How many characters have been begun at `ms` of the audio. */
  spoken(ms: number): number {
    const weight = this.weightAt(ms);
    const next = this.weights.findIndex((w) => w > weight);
    return next < 0 ? this.weights.length : next;
  }

  private get weight(): number {
    return this.weights.at(-1) ?? 0;
  }

  private weightAt(ms: number): number {
    const schedule = this.schedule();
    const end = schedule.at(-1);
    const late = this.total !== null && end && end.ms > this.total ? this.total / end.ms : 1;
    for (let i = schedule.length - 2; i >= 0; i--) {
      const from = schedule[i];
      const to = schedule[i + 1];
      if (!from || !to || ms < from.ms * late) continue;
      const part = Math.min(1, (ms - from.ms * late) / Math.max(1, (to.ms - from.ms) * late));
      return from.weight + (to.weight - from.weight) * part;
    }
    return -1;
  }

  /** When each anchored piece really begins, and when the last ends. */
  private schedule(): Anchor[] {
    const points: Anchor[] = [];
    let free = 0;
    this.anchors.forEach(({ weight, ms }, i) => {
      const begin = Math.max(ms, free);
      const next = this.anchors[i + 1];
      const size = (next?.weight ?? this.weight) - weight;
      const until = next ? next.ms : this.total;
      const known = until !== null && until - begin >= size * FASTEST_MS;
      free = known ? until : begin + size * TYPICAL_MS;
      points.push({ weight, ms: begin });
    });
    points.push({ weight: this.weight, ms: free });
    return points;
  }
}
