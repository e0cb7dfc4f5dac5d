/** Decides which notice is seen: a lost connection with its countdown, or the last thing that went wrong. */

import { fill, type I18n } from "../i18n";
import type { Notice } from "./notice";

export class LinkNotice {
  private everOpen = false;
  private retryAt: number | null = null;
  private timer: ReturnType<typeof setInterval> | undefined;
  private other: Notice | null = null;

  constructor(
    private readonly i18n: I18n,
    private readonly show: (notice: Notice | null) => void,
    private readonly retry: () => void,
  ) {}

  lost(waitMs: number): void {
    this.retryAt = performance.now() + waitMs;
    clearInterval(this.timer);
    this.timer = setInterval(() => this.translate(), 500);
    this.translate();
  }

  open(): void {
    this.everOpen = true;
    this.retryAt = null;
    clearInterval(this.timer);
    this.translate();
  }

  /** Something else went wrong; a lost connection is told first. */
  interrupt(notice: Notice): void {
    this.other = notice;
    this.translate();
  }

  clear(): void {
    this.other = null;
    this.translate();
  }

  translate(): void {
    this.show(this.retryAt === null ? this.other : this.lostNotice(this.retryAt));
  }

  private lostNotice(retryAt: number): Notice {
    const { t } = this.i18n;
    const seconds = Math.ceil((retryAt - performance.now()) / 1000);
    const next = seconds > 0 ? fill(t.retryIn, { seconds }) : t.retrying;
    const text = `${this.everOpen ? t.lost : t.unreachable} ${next}`;
    return { text, action: t.retryNow, act: this.retry };
  }
}
