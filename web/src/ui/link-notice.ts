/** Decides which notice is seen: a connection that fails with its countdown, or the last thing that went wrong. */

import { fill, type I18n } from "../i18n";
import type { Obstacle } from "../protocol/readiness";
import type { Notice } from "./notice";

const TICK_MS = 250;

export interface LinkPorts {
  show(notice: Notice | null): void;
  retry(): void;
  /** The server wants a key. */
  unlock(): void;
  obstacle(): Promise<Obstacle>;
}

export class LinkNotice {
  private reason: Obstacle | "lost" = "lost";
  private retryAt: number | null = null;
  private timer: ReturnType<typeof setInterval> | undefined;
  private other: Notice | null = null;
  private wasOpen = false;

  constructor(
    private readonly i18n: I18n,
    private readonly ports: LinkPorts,
  ) {}

  /** A call was cut off, or could not begin; the next attempt is `waitMs` away. */
  lost(waitMs: number): void {
    this.retryAt = performance.now() + waitMs;
    clearInterval(this.timer);
    this.timer = setInterval(() => this.draw(), TICK_MS);
    if (this.wasOpen) this.reason = "lost";
    else void this.ask();
    this.wasOpen = false;
    this.draw();
  }

  open(): void {
    this.wasOpen = true;
    this.retryAt = null;
    clearInterval(this.timer);
    this.draw();
  }

  /** Something else went wrong; a lost connection is told first. */
  interrupt(notice: Notice): void {
    this.other = notice;
    this.draw();
  }

  clear(): void {
    this.other = null;
    this.draw();
  }

  draw(): void {
    this.ports.show(this.retryAt === null ? this.other : this.notice(this.retryAt));
  }

  private async ask(): Promise<void> {
    this.reason = await this.ports.obstacle();
    this.draw();
  }

  private notice(retryAt: number): Notice {
    const { t } = this.i18n;
    const seconds = Math.ceil((retryAt - performance.now()) / 1000);
    const next = seconds > 0 ? fill(t.retryIn, { seconds }) : t.retrying;
    if (this.reason === "locked")
      return { text: t.link.locked, action: t.enterKey, act: () => this.ports.unlock() };
    return { text: t.link[this.reason], more: next, action: t.retryNow, act: () => this.ports.retry() };
  }
}
