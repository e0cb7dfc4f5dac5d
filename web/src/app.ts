/** Ties the conversation, the sound, the face and the screen together. */

import { Microphone, MicrophoneError } from "./audio/capture";
import { AudioOutput } from "./audio/output";
import { Face, type FaceInput } from "./face/canvas";
import { indexOf, type Rig } from "./face/rig";
import { fill, I18n, remember, remembered } from "./i18n";
import { Call } from "./model/call";
import type { Phase } from "./model/call-state";
import { type AvatarEntry, type Catalogue, loadCatalogue, loadRig } from "./protocol/catalogue";
import { Connection, realtimeUrl } from "./protocol/connection";
import { type ProtocolError, RATE } from "./protocol/events";
import { obstacle } from "./protocol/readiness";
import { CaptionView } from "./ui/captions";
import { type Choice, Chooser, drawPortrait } from "./ui/chooser";
import { el } from "./ui/dom";
import { LinkNotice } from "./ui/link-notice";
import { type Notice, NoticeView } from "./ui/notice";
import { Screen } from "./ui/screen";

const CHOICE_KEY = "polytalk.choice";
const LEVEL_DECAY = 0.9;

export class App {
  readonly face = new Face(el<HTMLCanvasElement>("backdrop"), el<HTMLCanvasElement>("front"));
  readonly i18n = new I18n();
  readonly call: Call;
  private readonly output = new AudioOutput();
  private readonly connection: Connection;
  private readonly screen = new Screen(this.i18n);
  private readonly captions = new CaptionView(el("captions"));
  private readonly notices = new NoticeView();
  private readonly link: LinkNotice;
  private readonly chooser: Chooser;
  private readonly rigs = new Map<string, Promise<Rig>>();
  private readonly calm = window.matchMedia("(prefers-reduced-motion: reduce)");
  private catalogue: Catalogue = { avatars: [], voices: [] };
  private choice: Choice = { avatar: "", voice: "" };
  private microphone: Microphone | null = null;
  private micLevel = 0;
  private micBusy = false;

  constructor() {
    this.call = new Call({
      send: (event) => this.connection.send(event),
      loudspeaker: () => this.output.player,
      mouth: this.face.track,
      now: () => performance.now(),
      newId: () => `msg_${crypto.getRandomValues(new Uint32Array(3)).join("")}`,
      failed: (error) => this.serverFailed(error),
    });
    this.connection = new Connection({
      address: () => this.address(),
      event: (event) => {
        this.call.handle(event);
        if (event.type === "session.created") this.link.open(); // an open socket alone is no call yet
      },
      lost: (wait) => {
        this.call.lost();
        this.link.lost(wait);
      },
    });
    this.link = new LinkNotice(this.i18n, {
      show: (notice) => this.notices.show(notice),
      retry: () => this.connection.connect(),
      obstacle,
    });
    this.chooser = new Chooser(
      this.i18n,
      (entry) => this.rigOf(entry),
      (choice) => this.choose(choice),
    );
  }

  get phase(): Phase {
    return this.call.phase(this.microphone !== null);
  }

  start(): void {
    this.translate();
    requestAnimationFrame((now) => this.frame(now));
    this.connection.connect();
  }

  /** The network is back. */
  online(): void {
    this.connection.hurry();
  }

  switchLanguage(): void {
    this.i18n.switch();
    this.translate();
  }

  async toggleMicrophone(): Promise<void> {
    if (this.micBusy) return;
    if (this.microphone) return this.closeMicrophone();
    this.micBusy = true;
    try {
      await this.output.wake();
      this.microphone = await Microphone.open(
        this.output.context,
        (packet) => {
          this.micLevel = Math.max(packet.peak, this.micLevel * LEVEL_DECAY);
          this.call.microphone(packet.samples, packet.capturedAt);
        },
        () => {
          this.closeMicrophone();
          this.notify(this.i18n.t.microphone.lost);
        },
      );
      this.link.clear();
    } catch (error) {
      const problem = error instanceof MicrophoneError ? error.problem : "failed";
      this.notify(this.i18n.t.microphone[problem]);
    } finally {
      this.micBusy = false;
    }
  }

  say(text: string): void {
    void this.output.wake();
    this.call.say(text);
  }

  interrupt(): void {
    if (this.call.interruptible) this.call.interrupt();
  }

  wake(): void {
    void this.output.wake();
  }

  /** The first time, the server says what there is to choose from. */
  private async address(): Promise<string> {
    if (this.catalogue.avatars.length === 0) {
      this.catalogue = await loadCatalogue();
      this.choose(this.firstChoice());
    }
    return realtimeUrl(location, this.choice.avatar);
  }

  private closeMicrophone(): void {
    this.microphone?.close();
    this.microphone = null;
    this.micLevel = 0;
    this.call.muted();
  }

  private choose(choice: Choice): void {
    const entry = this.entry(choice.avatar);
    if (!entry) return;
    const newFace = choice.avatar !== this.choice.avatar;
    this.choice = choice;
    remember(CHOICE_KEY, JSON.stringify(choice));
    this.call.choose(choice.avatar, choice.voice);
    this.translate();
    if (newFace) void this.showFace(entry);
  }

  private async showFace(entry: AvatarEntry): Promise<void> {
    try {
      const rig = await this.rigOf(entry);
      if (entry.id !== this.choice.avatar) return; // the user has gone on to another
      this.face.show(rig);
      drawPortrait(el<HTMLCanvasElement>("choice-picture"), rig);
    } catch {
      this.rigs.delete(entry.id);
      this.notify(fill(this.i18n.t.avatarFailed, { name: this.i18n.name(entry.name) }));
    }
  }

  private rigOf(entry: AvatarEntry): Promise<Rig> {
    let rig = this.rigs.get(entry.id);
    if (!rig) {
      rig = loadRig(entry);
      this.rigs.set(entry.id, rig);
    }
    return rig;
  }

  private firstChoice(): Choice {
    const stored = parseChoice(remembered(CHOICE_KEY));
    const known =
      stored && this.entry(stored.avatar) && this.catalogue.voices.some((voice) => voice.id === stored.voice);
    const first = this.catalogue.avatars[0];
    return known ? stored : { avatar: first?.id ?? "", voice: first?.voice ?? "" };
  }

  private entry(avatar: string): AvatarEntry | undefined {
    return this.catalogue.avatars.find((entry) => entry.id === avatar);
  }

  private translate(): void {
    const entry = this.entry(this.choice.avatar);
    const voice = this.catalogue.voices.find((v) => v.id === this.choice.voice);
    this.screen.translate(entry ? this.i18n.name(entry.name) : "", voice?.name ?? "");
    this.chooser.draw(this.catalogue, this.choice);
    this.link.draw();
  }

  private serverFailed({ message, code }: ProtocolError): void {
    this.notify(fill(this.i18n.t.serverError, { message: message || code || "?" }));
  }

  private notify(text: string): void {
    const notice: Notice = { text, action: this.i18n.t.dismiss, act: () => this.link.clear() };
    this.link.interrupt(notice);
  }

  private frame(now: number): void {
    requestAnimationFrame((next) => this.frame(next));
    this.call.tick();
    const phase = this.phase;
    this.face.draw(now / 1000, { pose: poseOf(phase), heard: this.heard(), calm: this.calm.matches });
    const entry = this.entry(this.choice.avatar);
    const avatar = entry ? this.i18n.name(entry.name) : "";
    this.captions.draw(this.call.captions, this.i18n.t, avatar);
    this.screen.draw({
      phase,
      microphone: this.microphone !== null,
      micLevel: this.micLevel,
      speechLevel: this.face.mouth[indexOf.jaw] ?? 0,
      interruptible: this.call.interruptible,
      latency: this.call.latency.last,
    });
  }

  private heard(): FaceInput["heard"] {
    if (!this.call.speaking) return null;
    const position = this.output.player.position();
    return position?.sounding ? { stream: position.stream, seconds: position.sample / RATE } : null;
  }
}

function poseOf(phase: Phase): FaceInput["pose"] {
  return phase === "listening" || phase === "thinking" || phase === "speaking" ? phase : "idle";
}

function parseChoice(text: string | null): Choice | null {
  try {
    const value: unknown = JSON.parse(text ?? "null");
    return typeof value === "object" && value !== null && "avatar" in value && "voice" in value
      ? (value as Choice)
      : null;
  } catch {
    return null;
  }
}
