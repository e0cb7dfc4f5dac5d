/** The conversation over the picture: one paragraph a line, following the newest unless the user scrolls back. */

import type { Messages } from "../i18n/en";
import type { Captions, Line } from "../model/captions";
import { make, setText } from "./dom";

interface Row {
  root: HTMLElement;
  who: HTMLElement;
  text: HTMLElement;
  /** Says that the line was cut off. */
  cut: HTMLElement;
}

const NEAR_END_PX = 40;

export class CaptionView {
  private readonly rows = new Map<string, Row>();
  private drawn = -1;
  private language: Messages | null = null;

  constructor(private readonly root: HTMLElement) {}

  draw(captions: Captions, t: Messages, nameOf: (avatar: string) => string): void {
    if (captions.version === this.drawn && t === this.language) return;
    this.drawn = captions.version;
    this.language = t;
    const atEnd = this.root.scrollHeight - this.root.scrollTop - this.root.clientHeight < NEAR_END_PX;
    for (const [id, row] of this.rows) {
      if (captions.lines.some((line) => line.id === id)) continue;
      row.root.remove();
      this.rows.delete(id);
    }
    for (const line of captions.lines) this.line(line, t, nameOf);
    if (atEnd) this.root.scrollTop = this.root.scrollHeight;
  }

  private line(line: Line, t: Messages, nameOf: (avatar: string) => string): void {
    const row = this.rows.get(line.id) ?? this.add(line);
    const text = line.text.slice(0, line.shown);
    row.root.classList.toggle("waiting", text === "");
    row.root.classList.toggle("interrupted", line.state === "interrupted");
    row.root.hidden = text === "" && line.speaker === "avatar";
    // A reader waits until a line is whole instead of speaking it word by word.
    row.root.setAttribute("aria-busy", String(line.state === "partial"));
    setText(row.who, line.speaker === "user" ? t.you : nameOf(line.avatar ?? ""));
    setText(row.text, text);
    setText(row.cut, line.state === "interrupted" ? t.interrupted : "");
  }

  private add(line: Line): Row {
    const who = make("span", "who");
    const text = make("span", "words");
    const cut = make("em", "cut");
    const root = make("p", `line ${line.speaker}`, who, " ", text, " ", cut);
    const row = { root, who, text, cut };
    this.rows.set(line.id, row);
    this.root.append(root);
    return row;
  }
}
