/** Ties the conversation, the sound, the face and the screen together. */

import { MicSwitch } from "./audio/mic-switch";
import { AudioOutput } from "./audio/output";
import { Face, type FaceInput } from "./face/canvas";
import { indexOf, type Rig } from "./face/rig";
import { fill, I18n, remember, remembered } from "./i18n";
import { Call } from "./model/call";
import type { Phase } from "./model/call-state";
import { type Choice, firstChoice, NO_CHOICE } from "./model/choice";
import { type AvatarEntry, type Catalogue, loadCatalogue, loadRig } from "./protocol/catalogue";
import { Connection, realtimeUrl } from "./protocol/connection";
import { type ProtocolError, RATE } from "./protocol/events";
import { obstacle } from "./protocol/readiness";
import { CaptionView } from "./ui/captions";
import { Chooser, drawPortrait } from "./ui/chooser";
import { el } from "./ui/dom";
import { LinkNotice } from "./ui/link-notice";
import { type Notice, NoticeView } from "./ui/notice";
import { Screen } from "./ui/screen";

const CHOICE_KEY = "polytalk.choice";

export class App {
  readonly face = new Face(el<HTMLCanvasElement>("backdrop"), el<HTMLCanvasElement>("front"));
  readonly i18n = new I18n();
  readonly call: Call;
  readonly microphone: MicSwitch;
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
  private choice = NO_CHOICE;

  constructor() {
    this.call = new Call({
      send: (event) => this.connection.send(event),
      loudspeaker: () => this.output.player,
      mouth: this.face.track,
      now: () => performance.now(),
      newId: () => `msg_${crypto.getRandomValues(new Uint32Array(3)).join("")}`,
      failed: (error) => this.serverFailed(error),
    });
    this.microphone = new MicSwitch(this.output, {
      packet: ({ samples, capturedAt }) => this.call.microphone(samples, capturedAt),
      opened: () => this.link.clear(),
      closed: () => this.call.muted(),
      failed: (problem) => this.notify(this.i18n.t.microphone[problem]),
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
    return this.call.phase(this.microphone.on);
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
      this.choose(firstChoice(this.catalogue, remembered(CHOICE_KEY)));
    }
    return realtimeUrl(location, this.choice.avatar);
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
      this.notify(fill(this.i18n.t.avatarFailed, { name: this.nameOf(entry.id) }));
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

  private entry(avatar: string): AvatarEntry | undefined {
    return this.catalogue.avatars.find((entry) => entry.id === avatar);
  }

  private nameOf(avatar: string): string {
    const entry = this.entry(avatar);
    return entry ? this.i18n.name(entry.name) : "";
  }

  private translate(): void {
    const voice = this.catalogue.voices.find((v) => v.id === this.choice.voice);
    this.screen.translate(this.nameOf(this.choice.avatar), voice?.name ?? "");
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
    const input = { pose: poseOf(phase), heard: this.heard(), calm: this.calm.matches };
    if (!this.face.draw(now / 1000, input)) return;
    this.captions.draw(this.call.captions, this.i18n.t, (avatar) => this.nameOf(avatar));
    this.screen.draw({
      phase,
      microphone: this.microphone.on,
      micLevel: this.microphone.level,
      speechLevel: this.face.mouth[indexOf.jaw] ?? 0,
      queue: this.call.state.queue,
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
