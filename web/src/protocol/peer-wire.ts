/** A call over WebRTC that looks like a WebSocket to `Connection`: events on a data channel, sound and pictures on tracks. */

import { fetchKeyed } from "./key";

const CHANNEL = "oai-events";
/** What goes another way, or is the server's to say: it plays, so it knows what was heard. */
const NOT_SENT = new Set(["input_audio_buffer.append", "conversation.item.truncate"]);
/** Most of what can connect at all does so within two seconds. */
const OPEN_WITHIN_MS = 6_000;
/** Networks come back within this time when a phone changes from one to another; browsers wait much longer. */
const BACK_WITHIN_MS = 4_000;
/** Answers that another attempt would not change, as calls are turned off there. */
const NOT_HERE = [400, 404];

/** The part of a WebSocket that is needed. */
export interface Wire {
  readonly readyState: number;
  onopen: (() => void) | null;
  onmessage: ((message: { data: unknown }) => void) | null;
  onclose: ((close: { code: number }) => void) | null;
  send(text: string): void;
  close(): void;
}

export interface PeerHooks {
  /** What is to be played and shown. */
  arrived(stream: MediaStream): void;
  /** The server answers, and yet no call comes about: the network lets none through. */
  blocked(): void;
}

export class PeerWire implements Wire {
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: unknown }) => void) | null = null;
  onclose: ((close: { code: number }) => void) | null = null;
  private readonly peer = new RTCPeerConnection();
  private readonly channel = this.peer.createDataChannel(CHANNEL);
  private readonly voice = this.peer.addTransceiver("audio", { direction: "sendrecv" }).sender;
  private opened = false;
  private over = false;
  private location = "";
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** `url` is that of the socket; `video`: whether the server draws. */
  constructor(
    url: string,
    microphone: MediaStreamTrack | null,
    readonly video: boolean,
    private readonly hooks: PeerHooks,
  ) {
    if (video) this.peer.addTransceiver("video", { direction: "recvonly" });
    this.peer.ontrack = ({ track, streams }) => hooks.arrived(streams[0] ?? new MediaStream([track]));
    this.channel.onopen = () => this.begin();
    this.channel.onmessage = (message) => this.onmessage?.(message);
    this.channel.onclose = () => this.end();
    this.peer.onconnectionstatechange = () => this.changed(this.peer.connectionState);
    this.take(microphone);
    this.call(url).catch(() => this.end());
  }

  get readyState(): number {
    return this.channel.readyState === "open" && !this.over ? WebSocket.OPEN : WebSocket.CONNECTING;
  }

  /** The microphone is on, or (null) off. */
  take(microphone: MediaStreamTrack | null): void {
    void this.voice.replaceTrack(microphone);
  }

  send(text: string): void {
    if (!NOT_SENT.has(JSON.parse(text).type)) this.channel.send(text);
  }

  close(): void {
    if (this.over) return;
    this.over = true;
    clearTimeout(this.timer);
    this.peer.close();
    this.hangUp();
  }

  /** Gives the place at the server back at once; outlives the page. */
  hangUp(): void {
    if (this.location === "") return;
    fetchKeyed(`${this.location}/hangup`, { method: "POST", keepalive: true }).catch(() => undefined);
    this.location = "";
  }

  private async call(url: string): Promise<void> {
    await this.peer.setLocalDescription();
    const answer = await fetchKeyed(`/v1/realtime/calls${new URL(url).search}`, {
      method: "POST",
      headers: { "content-type": "application/sdp" },
      body: this.peer.localDescription?.sdp ?? "",
    });
    if (NOT_HERE.includes(answer.status)) return this.fail();
    if (!answer.ok) throw new Error(`the call was answered with ${answer.status}`);
    this.location = answer.headers.get("location") ?? "";
    const sdp = await answer.text();
    if (this.over) return this.hangUp(); // who called has gone on
    this.timer = setTimeout(() => this.fail(), OPEN_WITHIN_MS);
    await this.peer.setRemoteDescription({ type: "answer", sdp }).catch(() => this.fail());
  }

  private begin(): void {
    clearTimeout(this.timer);
    this.opened = true;
    this.onopen?.();
  }

  private changed(state: RTCPeerConnectionState): void {
    if (state === "failed" || state === "closed") this.fail();
    if (!this.opened) return;
    clearTimeout(this.timer);
    if (state === "disconnected") this.timer = setTimeout(() => this.end(), BACK_WITHIN_MS);
  }

  /** A call that was there once may be lost like any other; one that never was is another matter. */
  private fail(): void {
    if (!this.opened && !this.over) this.hooks.blocked();
    this.end();
  }

  private end(): void {
    if (this.over) return;
    this.close();
    this.onclose?.({ code: 0 });
  }
}
