/** One message at a time above the controls: what went wrong, and the way on. */

import { el, setText } from "./dom";

export interface Notice {
  text: string;
  /** What changes too often to be read out each time: a countdown. */
  more?: string;
  action: string;
  act(): void;
}

export class NoticeView {
  private readonly root = el("notice");
  private readonly text = el("notice-text");
  private readonly more = el("notice-more");
  private readonly action = el<HTMLButtonElement>("notice-action");
  private current: Notice | null = null;

  constructor() {
    this.action.addEventListener("click", () => this.current?.act());
  }

  show(notice: Notice | null): void {
    this.current = notice;
    this.root.hidden = notice === null;
    if (!notice) return;
    setText(this.text, notice.text);
    setText(this.more, notice.more ?? "");
    setText(this.action, notice.action);
  }
}
