/** The face between answers: films that repeat, one for each pose, in video elements that lie over each other. */

export type Pose = "idle" | "listening" | "thinking";

const POSES: readonly Pose[] = ["idle", "listening", "thinking"];

export class RestFilms {
  private readonly videos = new Map<Pose, HTMLVideoElement>();
  private shown: Pose | null = null;
  private wanted = "";

  constructor(private readonly place: HTMLElement) {}

  /** Fetches the films at `address`; "" gives them up. What cannot be had is not shown. */
  follow(address: string): void {
    if (address === this.wanted) return;
    this.wanted = address;
    for (const video of this.videos.values()) {
      URL.revokeObjectURL(video.src);
      video.remove();
    }
    this.videos.clear();
    this.shown = null;
    if (address !== "") void this.fetchAll(address);
  }

  /** Plays one of them from its beginning, the pose that films of answers begin in; null rests. */
  show(pose: Pose | null): void {
    const next = pose === null || this.ready(pose) ? pose : this.shown; // till it is loaded, what is there
    if (next === this.shown) return;
    this.place.classList.toggle("off", next === null);
    for (const [name, video] of this.videos) {
      video.classList.toggle("shown", name === next);
      if (name === next) {
        video.currentTime = 0;
        void video.play().catch(() => undefined);
      } else if (name !== this.shown || next === null) {
        video.pause();
      }
    }
    this.shown = next;
  }

  private ready(pose: Pose): boolean {
    return (this.videos.get(pose)?.readyState ?? 0) >= HTMLMediaElement.HAVE_CURRENT_DATA;
  }

  get showing(): Pose | null {
    return this.shown;
  }

  private async fetchAll(address: string): Promise<void> {
    for (const pose of POSES) {
      const reply = await fetch(`${address}&state=${pose}`).catch(() => null);
      if (!reply?.ok) continue;
      const film = await reply.blob();
      if (this.wanted !== address) return;
      const video = document.createElement("video");
      video.muted = true;
      video.loop = true;
      video.playsInline = true;
      video.preload = "auto";
      video.src = URL.createObjectURL(film);
      this.videos.set(pose, video);
      this.place.append(video);
    }
  }
}
