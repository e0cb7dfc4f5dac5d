/** The call screen as a whole: what it says and shows for a state. */

import { fill, type I18n } from "../i18n";
import type { Messages } from "../i18n/en";
import type { Phase, Queue } from "../model/call-state";
import { el, setText } from "./dom";

export interface View {
  phase: Phase;
  microphone: boolean;
  /** Loudest sample of the last packets, 0..1. */
  micLevel: number;
  /** How wide the avatar's mouth is open, 0..1. */
  speechLevel: number;
  queue: Queue | null;
  interruptible: boolean;
  latency: number | null;
}

export class Screen {
  private readonly app = el("app");
  private readonly phase = el("phase");
  private readonly latency = el("latency");
  private readonly mic = el<HTMLButtonElement>("mic");
  private readonly signal = el("signal");
  private readonly interrupt = el<HTMLButtonElement>("interrupt");
  private level = 0;

  constructor(private readonly i18n: I18n) {}

  /** Writes every text that depends on the language only. */
  translate(avatar: string, voice: string): void {
    const { t } = this.i18n;
    document.documentElement.lang = this.i18n.language === "zh" ? "zh-CN" : "en";
    document.title = avatar ? `${avatar} · ${t.title}` : t.title;
    for (const node of document.querySelectorAll<HTMLElement>("[data-t]")) {
      const text = t[node.dataset.t as keyof Messages];
      if (typeof text === "string") setText(node, text);
    }
    const language = el("language");
    setText(language, t.language);
    language.lang = this.i18n.language === "zh" ? "en" : "zh-CN";
    label(language, t.languageLabel);
    el("ai-label").title = t.aiDetail;
    this.latency.title = t.latencyLabel;
    label(el("stage"), fill(t.stage, { name: avatar }));
    label(el("captions"), t.captions);
    el("captions").dataset.hint = t.hint;
    label(el("send"), t.send);
    label(this.interrupt, t.interruptLabel);
    label(el("chooser-close"), t.close);
    const text = el<HTMLInputElement>("text");
    text.placeholder = fill(t.placeholder, { name: avatar });
    label(text, t.message);
    setText(el("name"), avatar);
    setText(el("choice-name"), voice ? `${avatar} · ${voice}` : avatar);
    label(el("choose"), `${t.choose}: ${avatar} · ${voice}`);
  }

  draw(view: View): void {
    const { t } = this.i18n;
    this.app.dataset.phase = view.phase;
    setText(this.phase, view.queue ? queued(view.queue, t) : t.phase[view.phase]);
    this.drawLatency(view.latency, t);
    this.drawMicrophone(view, t);
    this.interrupt.disabled = !view.interruptible;
    this.app.classList.toggle("interruptible", view.interruptible);
    const heard = Math.sqrt(view.micLevel); // ears hear ratios: the peaks of ordinary speech are near 0.1
    const target = view.phase === "speaking" ? view.speechLevel : heard;
    this.level += (target - this.level) * 0.35;
    setLevel(this.signal, this.level);
    setLevel(this.mic, heard);
  }

  private drawLatency(seconds: number | null, t: Messages): void {
    this.latency.hidden = seconds === null;
    if (seconds !== null) setText(this.latency, fill(t.latency, { seconds: seconds.toFixed(2) }));
  }

  private drawMicrophone(view: View, t: Messages): void {
    this.app.classList.toggle("mic-on", view.microphone);
    this.mic.setAttribute("aria-pressed", String(view.microphone));
    setText(el("mic-text"), view.microphone ? t.mute : t.talk);
    label(this.mic, view.microphone ? t.muteLabel : t.talkLabel);
  }
}

function queued({ position, waitMs }: Queue, t: Messages): string {
  return fill(t.queued, { position, seconds: Math.max(1, Math.round(waitMs / 1000)) });
}

/** On the element that shows it only: a property of the whole page would restyle the whole page. */
function setLevel(node: HTMLElement, level: number): void {
  const value = level.toFixed(2);
  if (node.style.getPropertyValue("--level") !== value) node.style.setProperty("--level", value);
}

function label(node: HTMLElement, text: string): void {
  if (node.title === text) return;
  node.title = text;
  node.setAttribute("aria-label", text);
}
