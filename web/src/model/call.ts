/** The conversation: server events in, sound and captions out; what the user does, events to the server. */

import { CaptureClock } from "../audio/capture-clock";
import { decodePcm, encodePcm } from "../audio/pcm";
import { VoiceEnd } from "../audio/voice-end";
import type { Playable } from "../media/codecs";
import { RATE, type ResponseInfo, type ServerEvent, SILENCE_MS, sessionSettings } from "../protocol/events";
import { type CallState, type LocalEvent, type Phase, phaseOf, reduce, START } from "./call-state";
import { Captions } from "./captions";
import { NO_CHOICE } from "./choice";
import { TurnLatency } from "./latency";
import type { CallPorts } from "./ports";

type Handlers = {
  [T in ServerEvent["type"]]?: (event: Extract<ServerEvent, { type: T }>) => void;
};

/** Codes of errors that say only that an event crossed another on its way. */
const HARMLESS = new Set(["response_cancel_not_active", "input_audio_buffer_commit_empty"]);
const ANSWER_WITHIN_MS = 15_000;

export class Call {
  state: CallState = START;
  readonly captions = new Captions();
  readonly latency = new TurnLatency();
  /** Milliseconds heard of the response that plays or played last. */
  playedMs = 0;
  private readonly capture = new CaptureClock(RATE);
  private readonly voice = new VoiceEnd(RATE);
  /** Responses that were cut off: what still comes of them is thrown away. */
  private readonly dead = new Set<string>();
  private playing: string[] = [];
  private pending: { id: string; text: string }[] = [];
  private awaitingSince = 0;
  private choice = NO_CHOICE;
  private films: Playable | null = null;
  /** Where in a film the next words begin. */
  private offset: number | null = null;

  /** What an event does besides moving the state. Events that are not here are ignored. */
  private readonly handlers: Handlers = {
    "session.created": () => this.begin(),
    "input_audio_buffer.speech_started": (event) => this.captions.userStarted(event.item_id),
    "input_audio_buffer.speech_stopped": (event) =>
      this.latency.ended(
        this.ports.streams()
          ? this.voice.before(this.ports.now(), SILENCE_MS)
          : this.capture.capturedAt(event.audio_end_ms),
      ),
    "conversation.item.input_audio_transcription.delta": (event) =>
      this.captions.userDelta(event.item_id, event.delta),
    "conversation.item.input_audio_transcription.completed": (event) =>
      this.captions.userFinal(event.item_id, event.transcript),
    "conversation.item.input_audio_transcription.failed": (event) =>
      this.captions.userFinal(event.item_id, ""),
    "session.updated": ({ session }) => this.ports.media(session.avatar?.media ?? null),
    "response.audio_timestamp.delta": (event) => {
      this.offset = event.audio_offset_ms;
    },
    "response.output_audio_transcript.delta": (event) =>
      this.transcript(event.response_id, event.item_id, event.delta),
    "response.output_audio.delta": (event) => this.audio(event.response_id, event.delta),
    "response.animation_blendshapes.delta": (event) => {
      if (!this.dead.has(event.response_id)) {
        this.ports.mouth.add(event.response_id, event.frame_index, event.frames);
      }
    },
    "response.output_audio.done": (event) => this.audioDone(event.response_id, event.item_id),
    "response.done": (event) => this.responseDone(event.response),
    "output_audio_buffer.started": ({ response_id }) => {
      if (!this.dead.has(response_id) && !this.playing.includes(response_id)) this.playing.push(response_id);
    },
    error: (event) => {
      if (!HARMLESS.has(event.error.code ?? "")) this.ports.failed(event.error);
    },
  };

  constructor(private readonly ports: CallPorts) {}

  /** Avatar and voice, now or in the middle of the conversation. */
  choose(avatar: string, voice: string): void {
    this.choice = { avatar, voice };
    if (this.state.link === "open") this.configure();
  }

  /** Answers are to come as films, drawn by the server, of those that play here; null: they are drawn here. */
  watch(films: Playable | null): void {
    if (films === this.films) return;
    this.films = films;
    if (this.state.link === "open") this.configure();
  }

  /** The film of a response begins. False when it is not wanted any more. */
  filmBegan(response: string): boolean {
    if (this.dead.has(response)) return false;
    if (!this.playing.includes(response)) this.playing.push(response);
    return true;
  }

  phase(microphone: boolean): Phase {
    return phaseOf(this.state, { speaking: this.speaking, microphone });
  }

  /** True from the first sample heard of an answer to the last. */
  get speaking(): boolean {
    const position = this.playing.length > 0 ? this.ports.loudspeaker().position() : null;
    return position !== null && this.playing.includes(position.stream);
  }

  /** True while there is an answer to interrupt. */
  get interruptible(): boolean {
    return this.state.active !== null || this.playing.length > 0;
  }

  microphone(samples: Int16Array<ArrayBuffer>, capturedAt: number): void {
    if (this.state.link !== "open") return;
    if (this.ports.streams()) this.voice.push(samples, capturedAt);
    else if (this.ports.send({ type: "input_audio_buffer.append", audio: encodePcm(samples) })) {
      this.capture.sentPacket(samples.length, capturedAt);
    }
  }

  /** Says `text` for the user; an answer that is under way is cut off. Waits for the connection if there is none. */
  say(text: string): void {
    const id = this.ports.newId();
    this.interrupt();
    this.captions.userFinal(id, text);
    if (this.state.link !== "open") this.pending.push({ id, text });
    else this.ask(id, text);
  }

  /** Cuts the answer off: silence at once, and the server told what was heard. */
  interrupt(): void {
    const { active } = this.state;
    if (active !== null && !this.dead.has(active)) this.ports.send({ type: "response.cancel" });
    this.cut();
  }

  /** The microphone went off. Silence after the last word lets the server end a turn that was going on. */
  muted(): void {
    const silence = new Int16Array((RATE * (SILENCE_MS + 200)) / 1000);
    if (this.state.userSpeaking) this.microphone(silence, this.ports.now());
    this.dispatch({ type: "local.muted" });
  }

  lost(): void {
    this.cut();
    this.captions.close();
    this.dispatch({ type: "local.lost" });
  }

  handle(event: ServerEvent): void {
    // What plays stops before anything else is done, and while the state still knows what it was.
    if (event.type === "input_audio_buffer.speech_started") this.cut();
    this.dispatch(event);
    const handler = this.handlers[event.type] as ((event: ServerEvent) => void) | undefined;
    handler?.(event);
  }

  /** Brings captions and latency up to what is heard now; called with every display frame. */
  tick(): void {
    const waiting = this.state.awaiting && this.state.queue === null;
    if (waiting && this.ports.now() - this.awaitingSince > ANSWER_WITHIN_MS) {
      this.dispatch({ type: "local.unanswered" });
    }
    for (const stream of this.playing) this.follow(stream);
  }

  private follow(stream: string): void {
    const loudspeaker = this.ports.loudspeaker();
    const begins = loudspeaker.firstHeardAt(stream);
    if (begins === null || begins > this.ports.now()) return;
    this.latency.heard(begins);
    this.playedMs = loudspeaker.heardMs(stream);
    const item = this.state.items[stream];
    if (item) this.captions.avatarHeard(item, this.playedMs);
    if (!loudspeaker.finished(stream)) return;
    if (item) this.captions.avatarFinal(item);
    this.release(stream);
    loudspeaker.forget(stream);
  }

  private transcript(response: string, item: string, delta: string): void {
    if (this.dead.has(response)) return;
    const received = this.playing.includes(response) ? this.ports.loudspeaker().receivedMs(response) : 0;
    this.captions.avatarDelta(item, delta, this.offset ?? received, this.choice.avatar);
    this.offset = null;
  }

  private audio(response: string, base64: string): void {
    if (this.dead.has(response)) return;
    if (!this.playing.includes(response)) this.playing.push(response);
    this.ports.loudspeaker().push(response, decodePcm(base64));
  }

  private audioDone(response: string, item: string): void {
    if (!this.playing.includes(response)) return;
    this.ports.loudspeaker().end(response);
    this.captions.avatarComplete(item, this.ports.loudspeaker().receivedMs(response));
  }

  private responseDone(response: ResponseInfo): void {
    const item = this.state.items[response.id];
    if (this.playing.includes(response.id)) this.audioDone(response.id, item ?? "");
    else if (item && response.status === "completed") this.captions.avatarFinal(item);
    else if (item) this.captions.avatarInterrupted(item, 0);
    if (response.status === "failed") {
      const { message = "", code = "" } = response.status_details?.error ?? {};
      this.ports.failed({ message, code });
    }
    this.dead.delete(response.id);
  }

  private cut(): void {
    const { active, items } = this.state;
    if (active !== null) this.dead.add(active);
    const cuts = this.playing.length > 0 ? this.ports.loudspeaker().flush() : [];
    for (const { stream, playedMs } of cuts) {
      const item = items[stream];
      this.playedMs = playedMs;
      if (item === undefined) continue;
      this.captions.avatarInterrupted(item, playedMs);
      this.ports.send({
        type: "conversation.item.truncate",
        item_id: item,
        content_index: 0,
        audio_end_ms: Math.floor(playedMs),
      });
    }
    this.playing = [];
    this.ports.mouth.clear();
    this.dispatch({ type: "local.cut" });
  }

  private begin(): void {
    this.dead.clear();
    this.capture.restart();
    this.configure();
    for (const { id, text } of this.pending.splice(0)) this.ask(id, text);
  }

  private configure(): void {
    this.ports.send({
      type: "session.update",
      session: sessionSettings(this.choice.avatar, this.choice.voice, this.films),
    });
  }

  private ask(id: string, text: string): void {
    const content: [{ type: "input_text"; text: string }] = [{ type: "input_text", text }];
    this.ports.send({
      type: "conversation.item.create",
      item: { id, type: "message", role: "user", content },
    });
    this.ports.send({ type: "response.create" });
    this.latency.ended(this.ports.now());
    this.dispatch({ type: "local.asked" });
  }

  private release(stream: string): void {
    this.playing = this.playing.filter((playing) => playing !== stream);
    this.ports.mouth.forget(stream);
  }

  private dispatch(event: ServerEvent | LocalEvent): void {
    const before = this.state.awaiting;
    this.state = reduce(this.state, event);
    if (this.state.awaiting && !before) this.awaitingSince = this.ports.now();
  }
}
