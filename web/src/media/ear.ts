/** Hears when sound begins in what a call brings: the server only says when it sent it. */

/** Below it, full scale being 1, nothing is heard. Silence in a call is digital. */
const AUDIBLE = 0.004;
/** Samples looked at with each display frame: 85 ms at 24 kHz, so that slow pages miss none. */
const WINDOW = 2_048;

export class Ear {
  private readonly samples = new Float32Array(WINDOW);
  private analyser: AnalyserNode | null = null;
  private source: MediaStreamAudioSourceNode | null = null;
  private quiet = true;
  private roseAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly now: () => number) {}

  /** Listens to a stream from now on; null to none. Where a browser can't, nothing is ever heard. */
  listen(stream: MediaStream | null, open: () => AudioContext): void {
    this.source?.disconnect();
    this.source = this.analyser = null;
    this.quiet = true;
    if (!stream || stream.getAudioTracks().length === 0) return;
    const context = open();
    try {
      this.source = context.createMediaStreamSource(stream);
    } catch {
      return; // Firefox wants the context to have the stream's rate
    }
    this.analyser = new AnalyserNode(context, { fftSize: WINDOW });
    this.source.connect(this.analyser);
  }

  /** Takes note of what is heard now; called with every display frame. */
  tick(): void {
    if (!this.analyser) return;
    this.analyser.getFloatTimeDomainData(this.samples);
    const { sampleRate, outputLatency, baseLatency } = this.analyser.context as AudioContext;
    const first = this.samples.findIndex((sample) => Math.abs(sample) > AUDIBLE);
    if (first >= 0 && this.quiet) {
      const age = (WINDOW - first) / sampleRate - (outputLatency || baseLatency || 0);
      this.roseAt = this.now() - age * 1000;
    }
    this.quiet = first < 0;
  }

  /** The page's clock (ms) when sound began after a silence, if that was not before `since`. */
  heardSince(since: number): number | null {
    return this.roseAt >= since ? this.roseAt : null;
  }
}
