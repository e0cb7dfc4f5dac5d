/** One conversation of the fake server: hears loudness, answers with canned sentences, paces its audio. */

import { MOUTH_RATE, RATE } from "../src/protocol/events.ts";
import { speak } from "./fake-voice.ts";

type Json = Record<string, unknown>;

const CHUNK_S = 0.1;
const LEAD_S = 0.3;
const THINK_MS = 350;
const LOUD = 0.06;
const SILENCE_S = 0.3;

const ANSWERS = {
  en: [
    "Hello! I am glad that you are here. What shall we talk about today?",
    "That is a good question. Let me think about it for a moment, and then tell you what I would do in your place.",
    "Of course. You can interrupt me whenever you like; I will stop at once and listen.",
  ],
  zh: [
    "你好！很高兴见到你。今天我们聊点什么呢？",
    "这是个好问题。让我想一想，然后告诉你我的看法。",
    "当然可以。你随时都可以打断我，我会马上停下来听你说。",
  ],
};

export class FakeSession {
  private samples = 0;
  private loudUntil = 0;
  private item: string | null = null;
  private response: { id: string; cancelled: boolean } | null = null;
  private count = 0;
  private turn = 0;

  constructor(
    private readonly out: (event: Json) => void,
    private readonly drop: () => void,
  ) {
    this.emit("session.created", { session: { type: "realtime", id: "sess_fake" } });
  }

  handle(event: Json): void {
    if (event.type === "session.update") this.emit("session.updated", { session: event.session });
    if (event.type === "input_audio_buffer.append") this.hear(Buffer.from(String(event.audio), "base64"));
    if (event.type === "response.cancel") this.cancel("client_cancelled");
    if (event.type === "conversation.item.create")
      this.typed(event.item as { id: string; content: { text: string }[] });
    if (event.type === "response.create") void this.answer();
  }

  close(): void {
    this.cancel("closed");
  }

  private language: keyof typeof ANSWERS = "en";

  private typed(item: { id: string; content: { text: string }[] }): void {
    const text = item.content[0]?.text ?? "";
    this.language = /[\u4e00-\u9fff]/.test(text) ? "zh" : "en";
    this.emit("conversation.item.added", { item });
    if (text === "drop") this.drop();
    if (text === "error")
      this.emit("error", { error: { type: "server_error", code: "fake", message: "You asked for one." } });
  }

  private hear(bytes: Buffer): void {
    let peak = 0;
    for (let i = 0; i + 1 < bytes.length; i += 2)
      peak = Math.max(peak, Math.abs(bytes.readInt16LE(i)) / 32768);
    this.samples += bytes.length / 2;
    const now = this.samples / RATE;
    if (peak > LOUD) {
      this.loudUntil = now;
      if (this.item === null) this.speechStarted(now);
    } else if (this.item !== null && now - this.loudUntil > SILENCE_S) this.speechStopped(this.item);
  }

  private speechStarted(now: number): void {
    this.item = this.id("item");
    this.emit("input_audio_buffer.speech_started", {
      item_id: this.item,
      audio_start_ms: Math.round(now * 1000),
    });
    this.cancel("turn_detected");
  }

  private speechStopped(item: string): void {
    this.item = null;
    this.emit("input_audio_buffer.speech_stopped", {
      item_id: item,
      audio_end_ms: Math.round(this.loudUntil * 1000),
    });
    this.emit("input_audio_buffer.committed", { item_id: item, previous_item_id: null });
    const words = "I said something that a fake can't understand.".split(" ");
    words.forEach((word, i) => {
      const delta = i === 0 ? word : ` ${word}`;
      setTimeout(
        () => this.emit("conversation.item.input_audio_transcription.delta", { item_id: item, delta }),
        i * 30,
      );
    });
    const transcript = words.join(" ");
    setTimeout(
      () => this.emit("conversation.item.input_audio_transcription.completed", { item_id: item, transcript }),
      300,
    );
    void this.answer();
  }

  private cancel(reason: string): void {
    if (!this.response) return;
    this.response.cancelled = true;
    const details = { type: "cancelled", reason };
    this.emit("response.done", {
      response: { id: this.response.id, status: "cancelled", status_details: details },
    });
    this.response = null;
  }

  private async answer(): Promise<void> {
    const response = { id: this.id("resp"), cancelled: false };
    this.response = response;
    const ids = { response_id: response.id, item_id: this.id("item"), output_index: 0, content_index: 0 };
    this.emit("response.created", { response: { id: response.id, status: "in_progress" } });
    await sleep(THINK_MS);
    if (response.cancelled) return;
    this.emit("response.output_item.added", { ...ids, item: { id: ids.item_id, role: "assistant" } });
    this.emit("response.content_part.added", { ...ids, part: { type: "audio" } });
    const answers = ANSWERS[this.language];
    const begun = Date.now();
    let sent = 0;
    for (const sentence of (answers[this.turn++ % answers.length] ?? "").match(
      /[^.!?。！？]+[.!?。！？]\s?/g,
    ) ?? []) {
      this.emit("response.output_audio_transcript.delta", { ...ids, delta: sentence });
      const { pcm, frames } = speak(sentence);
      for (let at = 0; at < pcm.length; at += CHUNK_S * RATE) {
        await sleep(begun + (sent / RATE - LEAD_S) * 1000 - Date.now());
        if (response.cancelled) return;
        this.chunk(ids, sent, pcm.subarray(at, at + CHUNK_S * RATE), frames, at);
        sent += Math.min(CHUNK_S * RATE, pcm.length - at);
      }
    }
    this.emit("response.output_audio.done", ids);
    this.emit("response.done", { response: { id: response.id, status: "completed" } });
    this.response = null;
  }

  private chunk(ids: Json, sent: number, pcm: Int16Array, frames: number[][], at: number): void {
    const first = Math.round((at / RATE) * MOUTH_RATE);
    const some = frames.slice(first, first + CHUNK_S * MOUTH_RATE);
    const index = Math.round((sent / RATE) * MOUTH_RATE);
    this.emit("response.animation_blendshapes.delta", { ...ids, frame_index: index, frames: some });
    const delta = Buffer.from(pcm.buffer, pcm.byteOffset, pcm.byteLength).toString("base64");
    this.emit("response.output_audio.delta", { ...ids, delta });
  }

  private emit(type: string, fields: Json): void {
    this.out({ type, event_id: this.id("event"), ...fields });
  }

  private id(kind: string): string {
    return `${kind}_${++this.count}`;
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, Math.max(0, ms)));
}
