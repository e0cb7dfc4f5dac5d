/** Says when a sample that the server counts was captured here: packets go out with gaps whenever the user mutes. */

interface Mark {
  /** Samples sent up to the end of the packet. */
  sent: number;
  /** When its last sample was captured, ms. */
  at: number;
}

export class CaptureClock {
  private marks: Mark[] = [];
  private sent = 0;

  constructor(
    private readonly rate: number,
    /** Packets remembered: one turn and more, at 50 a second. */
    private readonly most = 3000,
  ) {}

  sentPacket(samples: number, capturedAt: number): void {
    this.sent += samples;
    this.marks.push({ sent: this.sent, at: capturedAt });
    if (this.marks.length > this.most) this.marks.splice(0, this.most / 2);
  }

  /** The page's clock (ms) when the sample `ms` milliseconds after the session's first was captured. */
  capturedAt(ms: number): number | null {
    const sample = (ms / 1000) * this.rate;
    const mark = this.marks.find((m) => m.sent >= sample) ?? this.marks.at(-1);
    return mark ? mark.at - ((mark.sent - sample) / this.rate) * 1000 : null;
  }

  /** A new session counts from its own first sample. */
  restart(): void {
    this.marks = [];
    this.sent = 0;
  }
}
