/** Ties the conversation, the sound, the face and the screen together. */

import { MicSwitch } from "./audio/mic-switch";
import { AudioOutput } from "./audio/output";
import { Face, type FaceInput } from "./face/canvas";
import { makeScene } from "./face/make-scene";
import { indexOf } from "./face/rig";
import { fill, I18n, remember, remembered } from "./i18n";
import { type Playable, playable } from "./media/codecs";
import { Ear } from "./media/ear";
import { LiveSound } from "./media/live-sound";
import { LiveVideo } from "./media/live-video";
import { FilmPlayer } from "./media/player";
import { type Pose, RestFilms } from "./media/rest";
import { MediaSocket } from "./media/socket";
import { Sound } from "./media/sound";
import { Call } from "./model/call";
import type { Phase } from "./model/call-state";
import {
  type Choice,
  firstChoice,
  firstRenderer,
  firstTravel,
  NO_CHOICE,
  type Renderer,
  type Transport,
  type Travel,
  transportOf,
} from "./model/choice";
import {
  type AvatarEntry,
  type Catalogue,
  type Likeness,
  loadCatalogue,
  loadLikeness,
  loadThumbnail,
} from "./protocol/catalogue";
import { Connection, realtimeUrl } from "./protocol/connection";
import { type ProtocolError, RATE } from "./protocol/events";
import { setKey } from "./protocol/key";
import { PeerWire } from "./protocol/peer-wire";
import { obstacle } from "./protocol/readiness";
import { CaptionView } from "./ui/captions";
import { Chooser, drawPortrait } from "./ui/chooser";
import { el } from "./ui/dom";
import { LinkNotice } from "./ui/link-notice";
import { type Notice, NoticeView } from "./ui/notice";
import { Screen } from "./ui/screen";
import { Unlock } from "./ui/unlock";

const CHOICE_KEY = "polytalk.choice";
const RENDERER_KEY = "polytalk.renderer";
const TRAVEL_KEY = "polytalk.connection";

export class App {
  readonly face = new Face(el<HTMLCanvasElement>("backdrop"), el<HTMLCanvasElement>("front"));
  readonly i18n = new I18n();
  readonly call: Call;
  readonly microphone: MicSwitch;
  private readonly output = new AudioOutput();
  private readonly films = new FilmPlayer(el<HTMLVideoElement>("film"));
  readonly rest = new RestFilms(el("rest"));
  /** Of films; null when they are of no use here. */
  private readonly playable = playable((mime) => FilmPlayer.plays(mime));
  /** How the user wants the conversation to travel … */
  private travel: Travel = firstTravel(location.search, remembered(TRAVEL_KEY));
  /** … whether WebRTC was tried in vain … */
  private blocked = false;
  /** … and how it does. */
  transport: Transport = "websocket";
  private readonly ear = new Ear(() => performance.now());
  private readonly live = new LiveSound(
    () => performance.now(),
    () => this.connection.send({ type: "output_audio_buffer.clear" }),
    (since) => this.ear.heardSince(since),
  );
  private readonly screenVideo = new LiveVideo(el<HTMLVideoElement>("live"), () => performance.now());
  private peer: PeerWire | null = null;
  readonly sound = new Sound(this.films, () =>
    this.transport === "webrtc" ? this.live : this.output.player,
  );
  private readonly media: MediaSocket;
  /** Who draws the face. */
  private renderer: Renderer = firstRenderer(location.search, remembered(RENDERER_KEY));
  private readonly connection: Connection;
  private readonly screen = new Screen(this.i18n);
  private readonly captions = new CaptionView(el("captions"));
  private readonly notices = new NoticeView();
  private readonly link: LinkNotice;
  private readonly unlock = new Unlock((key) => {
    setKey(key);
    this.connection.connect();
  });
  private readonly chooser: Chooser;
  private readonly likenesses = new Map<string, Promise<Likeness>>();
  private readonly calm = window.matchMedia("(prefers-reduced-motion: reduce)");
  private readonly stage = el("stage");
  private catalogue: Catalogue = { avatars: [], voices: [] };
  private choice = NO_CHOICE;

  constructor() {
    this.call = new Call({
      send: (event) => this.connection.send(event),
      streams: () => this.transport === "webrtc",
      loudspeaker: () => this.sound,
      media: (address) => this.media.follow(address),
      mouth: this.face.track,
      now: () => performance.now(),
      newId: () => `msg_${crypto.getRandomValues(new Uint32Array(3)).join("")}`,
      failed: (error) => this.serverFailed(error),
    });
    this.media = new MediaSocket({
      begin: (stream, mime) => this.filmBegins(stream, mime),
      frame: (data) => this.films.frame(data),
      ended: (stream) => this.films.ended(stream),
      flushed: (stream) => {
        if (this.films.has(stream)) this.films.flush();
      },
      lost: () => this.films.flush(), // half a second at most: what was sent ahead
    });
    this.microphone = new MicSwitch(this.output, {
      packet: ({ samples, capturedAt }) => this.call.microphone(samples, capturedAt),
      opened: () => {
        this.link.clear();
        this.screenVideo.wake();
        this.peer?.take(this.microphone.track);
      },
      closed: () => {
        this.peer?.take(null);
        this.call.muted();
      },
      failed: (problem) => this.notify(this.i18n.t.microphone[problem]),
    });
    this.connection = new Connection({
      address: () => this.address(),
      wire: (url) => this.wire(url),
      event: (event) => {
        if (event.type === "output_audio_buffer.started") this.live.began(event.response_id);
        else if (event.type.startsWith("output_audio_buffer.") && "response_id" in event)
          this.live.ended(event.response_id);
        this.call.handle(event);
        if (event.type === "session.created") this.link.open(); // an open socket alone is no call yet
      },
      lost: (wait) => {
        this.leave();
        this.link.lost(wait);
      },
    });
    this.link = new LinkNotice(this.i18n, {
      show: (notice) => this.notices.show(notice),
      retry: () => this.connection.connect(),
      unlock: () => this.unlock.ask(),
      obstacle,
    });
    this.chooser = new Chooser(
      this.i18n,
      (entry) => (entry.kind === "photo" ? loadThumbnail(entry) : this.likenessOf(entry)),
      (choice) => this.choose(choice),
      (renderer) => this.draw(renderer),
      (travel) => this.go(travel),
    );
    this.call.watch(this.wanted);
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
    this.wake();
    this.call.say(text);
  }

  interrupt(): void {
    if (this.call.interruptible) this.call.interrupt();
  }

  wake(): void {
    void this.output.wake();
    this.screenVideo.wake();
  }

  /** The page is left: the place at the server is free at once. */
  hangUp(): void {
    this.peer?.hangUp();
  }

  /** With every connection the server says what there is to choose from: avatars come and go. */
  private async address(): Promise<string> {
    this.catalogue = await loadCatalogue();
    if (this.entry(this.choice.avatar)) this.translate();
    else this.choose(firstChoice(this.catalogue, remembered(CHOICE_KEY)));
    return realtimeUrl(location, this.choice.avatar);
  }

  private wire(url: string): PeerWire | null {
    this.transport = this.wantedTransport;
    this.call.watch(this.wanted);
    this.followRest();
    if (this.transport !== "webrtc") return null;
    this.peer = new PeerWire(url, this.microphone.track, this.wantsVideo, {
      arrived: (stream) => {
        this.screenVideo.show(stream);
        this.ear.listen(stream, () => this.output.context);
      },
      blocked: () => {
        this.blocked = true;
        this.notify(this.i18n.t.notByWebRtc);
      },
    });
    return this.peer;
  }

  private get wantedTransport(): Transport {
    return transportOf(this.travel, { cellular: onCellular(), blocked: this.blocked });
  }

  /** Whether a call is to have a track of pictures: what was agreed when it began stays so. */
  private get wantsVideo(): boolean {
    return this.renderer === "server" && Boolean(this.entry(this.choice.avatar)?.idle);
  }

  private go(travel: Travel): void {
    this.travel = travel;
    this.blocked = false;
    remember(TRAVEL_KEY, travel);
    this.translate();
    this.callAnew();
  }

  /** Where the call under way is not as it is wanted now. */
  private callAnew(): void {
    const other = this.transport !== this.wantedTransport;
    if (!other && (this.peer === null || this.peer.video === this.wantsVideo)) return;
    this.leave();
    this.connection.connect();
  }

  private leave(): void {
    this.media.close();
    this.call.lost();
    this.peer?.close();
    this.peer = null;
    this.screenVideo.show(null);
    this.ear.listen(null, () => this.output.context);
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
    this.followRest();
    if (this.peer !== null) this.callAnew();
  }

  /** What films are asked for. */
  private get wanted(): Playable | null {
    return this.transport === "websocket" && this.renderer === "server" && this.playable.codec.length > 0
      ? this.playable
      : null;
  }

  private followRest(): void {
    const entry = this.entry(this.choice.avatar);
    const [codec] = this.wanted?.codec ?? [];
    this.rest.follow(entry?.idle && codec ? `${entry.idle}&codec=${codec}` : "");
  }

  private draw(renderer: Renderer): void {
    this.renderer = renderer;
    remember(RENDERER_KEY, renderer);
    this.call.watch(this.wanted);
    this.followRest();
    this.translate();
    if (this.peer !== null) this.callAnew();
  }

  private filmBegins(stream: string, mime: string): boolean {
    if (!FilmPlayer.plays(mime)) return false;
    if (this.call.filmBegan(stream)) this.films.begin(stream, mime);
    else this.films.skip();
    return true;
  }

  private async showFace(entry: AvatarEntry): Promise<void> {
    try {
      const likeness = await this.likenessOf(entry);
      if (entry.id !== this.choice.avatar) return; // the user has gone on to another
      this.face.show(makeScene(likeness));
      drawPortrait(el<HTMLCanvasElement>("choice-picture"), likeness);
    } catch {
      this.likenesses.delete(entry.id);
      this.notify(fill(this.i18n.t.avatarFailed, { name: this.nameOf(entry.id) }));
    }
  }

  private likenessOf(entry: AvatarEntry): Promise<Likeness> {
    let likeness = this.likenesses.get(entry.id);
    if (!likeness) {
      likeness = loadLikeness(entry);
      this.likenesses.set(entry.id, likeness);
    }
    return likeness;
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
    this.chooser.draw(this.catalogue, this.choice, this.renderer, this.travel);
    this.link.draw();
  }

  private serverFailed({ message, code, param }: ProtocolError): void {
    if (param === "session.avatar.output_protocol") {
      this.draw("here"); // this avatar can't be drawn there
      this.notify(fill(this.i18n.t.notDrawnThere, { name: this.nameOf(this.choice.avatar) }));
      return;
    }
    this.notify(fill(this.i18n.t.serverError, { message: message || code || "?" }));
  }

  private notify(text: string): void {
    const notice: Notice = { text, action: this.i18n.t.dismiss, act: () => this.link.clear() };
    this.link.interrupt(notice);
  }

  private frame(now: number): void {
    requestAnimationFrame((next) => this.frame(next));
    this.ear.tick();
    this.call.tick();
    const phase = this.phase;
    this.stage.classList.toggle("filmed", this.filmed);
    this.stage.classList.toggle("streamed", this.streamed);
    this.rest.show(this.restingPose(phase));
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

  /** True while a film is seen. */
  get filmed(): boolean {
    return this.films.position()?.sounding ?? false;
  }

  /** True while the server's pictures of a call are seen. */
  get streamed(): boolean {
    return this.screenVideo.seen;
  }

  /** The film between answers; while one is seen that at rest waits under it, and answers that come as sound are drawn. */
  private restingPose(phase: Phase): Pose | null {
    if (this.filmed) return this.rest.showing;
    const pose = poseOf(phase);
    return pose === "speaking" || this.calm.matches ? null : pose;
  }

  private heard(): FaceInput["heard"] {
    if (!this.call.speaking) return null;
    const position = this.sound.position();
    return position?.sounding ? { stream: position.stream, seconds: position.sample / RATE } : null;
  }
}

/** Where browsers tell: those of phones. */
function onCellular(): boolean {
  const { connection } = navigator as { connection?: { type?: string } };
  return connection?.type === "cellular";
}

function poseOf(phase: Phase): FaceInput["pose"] {
  return phase === "listening" || phase === "thinking" || phase === "speaking" ? phase : "idle";
}
