/** Sound and pictures of a call over WebRTC in one element, so that the browser keeps them together. */

/** Pictures come twelve times a second at rest: after so long without any, none are coming. */
const STALE_MS = 1_500;

export class LiveVideo {
  private pictureAt: number | null = null;

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly now: () => number,
  ) {}

  /** Plays what a call brings, as soon as the browser lets a page sound; null: the call is over. */
  show(stream: MediaStream | null): void {
    if (this.video.srcObject === stream) return;
    this.pictureAt = null;
    this.video.srcObject = stream;
    if (!stream) return;
    this.watch(stream);
    this.video.muted = false;
    this.video.play().catch(() => this.quietly());
  }

  /** The user has touched the page: now it may sound. */
  wake(): void {
    if (!this.video.srcObject) return;
    this.video.muted = false;
    void this.video.play().catch(() => undefined);
  }

  /** Whether there is a picture to be seen: what lies below is it until then, and never black. */
  get seen(): boolean {
    return this.pictureAt !== null && this.now() - this.pictureAt < STALE_MS;
  }

  /** Without sound a page may always play. */
  private quietly(): void {
    this.video.muted = true;
    void this.video.play().catch(() => undefined);
  }

  private watch(stream: MediaStream): void {
    this.video.requestVideoFrameCallback(() => {
      if (this.video.srcObject !== stream) return;
      this.pictureAt = this.now();
      this.watch(stream);
    });
  }
}
