/** What both sides said: the user's words as they are recognised, the avatar's as they are heard. */

import { Pace } from "./pace";

export interface Line {
  readonly id: string;
  readonly speaker: "user" | "avatar";
  /** The avatar that says it; the user has none. */
  readonly avatar?: string;
  text: string;
  /** How many characters of `text` are shown. */
  shown: number;
  state: "partial" | "final" | "interrupted";
}

const MOST_LINES = 200;

export class Captions {
  readonly lines: Line[] = [];
  /** Grows with every change, so that a view knows when to draw. */
  version = 0;
  private readonly paces = new Map<string, Pace>();

  /** The user began to speak: their line stands before the answer, however late its words come. */
  userStarted(id: string): void {
    if (!this.find(id)) this.append({ id, speaker: "user", text: "", shown: 0, state: "partial" });
  }

  userDelta(id: string, delta: string): void {
    this.userStarted(id);
    const line = this.find(id);
    if (line?.state === "partial") this.set(line, line.text + delta);
  }

  /** The whole transcript. An empty one was noise: its line goes. */
  userFinal(id: string, text: string): void {
    this.userStarted(id);
    const line = this.find(id);
    if (!line) return;
    if (text.trim() === "") this.remove(id);
    else this.set(line, text.trim(), "final");
  }

  avatarDelta(id: string, delta: string, receivedMs: number, avatar = ""): void {
    let line = this.find(id);
    if (!line) {
      line = { id, speaker: "avatar", avatar, text: "", shown: 0, state: "partial" };
      this.append(line);
      this.paces.set(id, new Pace());
    }
    line.text += delta;
    this.paces.get(id)?.add(delta, receivedMs);
  }

  /** The audio of the line is complete. */
  avatarComplete(id: string, totalMs: number): void {
    this.paces.get(id)?.finish(totalMs);
  }

  /** The line has been heard up to `ms`. */
  avatarHeard(id: string, ms: number): void {
    const line = this.find(id);
    const pace = this.paces.get(id);
    if (!line || !pace) return;
    const shown = wordEnd(line.text, pace.spoken(ms));
    if (shown <= line.shown) return;
    line.shown = shown;
    this.version++;
  }

  /** The line has been heard to its end, or never had a sound. */
  avatarFinal(id: string): void {
    const line = this.find(id);
    if (line?.state !== "partial") return;
    this.paces.delete(id);
    this.set(line, line.text, "final");
  }

  /** The line was cut off: it keeps what was heard. */
  avatarInterrupted(id: string, playedMs: number): void {
    this.avatarHeard(id, playedMs);
    const line = this.find(id);
    if (line?.state !== "partial") return;
    this.paces.delete(id);
    if (line.shown === 0) this.remove(id);
    else this.set(line, line.text.slice(0, line.shown).trimEnd(), "interrupted");
  }

  /** The conversation ended in the middle: nothing more will come for what is open. */
  close(): void {
    for (const line of this.lines.filter((l) => l.state === "partial")) {
      if (line.speaker === "avatar") this.avatarInterrupted(line.id, 0);
      else this.userFinal(line.id, line.text);
    }
  }

  private find(id: string): Line | undefined {
    return this.lines.findLast((line) => line.id === id);
  }

  private append(line: Line): void {
    this.lines.push(line);
    if (this.lines.length > MOST_LINES) this.lines.shift();
    this.version++;
  }

  private set(line: Line, text: string, state: Line["state"] = line.state): void {
    line.text = text;
    line.shown = text.length;
    line.state = state;
    this.version++;
  }

  private remove(id: string): void {
    const index = this.lines.findIndex((line) => line.id === id);
    if (index >= 0) this.lines.splice(index, 1);
    this.paces.delete(id);
    this.version++;
  }
}

/** The end of the word that `index` lies in: Latin words appear whole, Chinese characters one by one. */
export function wordEnd(text: string, index: number): number {
  if (index <= 0) return 0;
  let end = index;
  while (
    end < text.length &&
    /[\p{L}\p{N}'’-]/u.test(text[end] ?? "") &&
    !/\p{Script=Han}/u.test(text[end - 1] ?? "")
  )
    end++;
  while (end < text.length && /[.,!?;:…。，！？、；：”’"')]/.test(text[end] ?? "")) end++;
  return end;
}
