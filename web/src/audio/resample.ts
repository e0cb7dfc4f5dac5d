/** Streaming conversion to the protocol's rate, for browsers that cannot capture at it. */

const HALF = 8; // zero crossings each side: -70 dB aliasing is far below a microphone's noise

/**
 * Windowed-sinc interpolation (Smith, "Digital Audio Resampling Home Page", section 2): low-pass at the lower
 * of both Nyquist frequencies, so that down-sampling does not alias.
 */
export class Resampler {
  private readonly step: number;
  private readonly cutoff: number;
  private readonly reach: number;
  private held: Float32Array;
  private position: number;

  constructor(from: number, to: number) {
    this.step = from / to;
    this.cutoff = Math.min(1, to / from);
    this.reach = Math.ceil(HALF / this.cutoff);
    this.held = new Float32Array(this.reach); // silence before the first sample
    this.position = this.reach;
  }

  push(input: Float32Array): Float32Array {
    const line = new Float32Array(this.held.length + input.length);
    line.set(this.held);
    line.set(input, this.held.length);
    const out: number[] = [];
    while (this.position + this.reach < line.length) {
      out.push(this.at(line, this.position));
      this.position += this.step;
    }
    const keep = Math.max(0, Math.floor(this.position) - this.reach);
    this.held = line.slice(keep);
    this.position -= keep;
    return Float32Array.from(out);
  }

  private at(line: Float32Array, position: number): number {
    const first = Math.ceil(position - this.reach);
    const last = Math.floor(position + this.reach);
    let sum = 0;
    for (let i = first; i <= last; i++) sum += (line[i] ?? 0) * this.kernel(position - i);
    return sum;
  }

  private kernel(distance: number): number {
    const x = Math.PI * distance * this.cutoff;
    const window = 0.5 + 0.5 * Math.cos((Math.PI * distance) / this.reach);
    return (x === 0 ? 1 : Math.sin(x) / x) * this.cutoff * window;
  }
}
