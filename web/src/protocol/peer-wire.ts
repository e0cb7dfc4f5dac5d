/** A call over WebRTC that looks like a WebSocket to `Connection`: events on a data channel, sound on tracks. */

import { fetchKeyed } from "./key";

const CHANNEL = "oai-events";
/** What goes another way, or is the server's to say: it plays, so it knows what was heard. */
const NOT_SENT = new Set(["input_audio_buffer.append", "conversation.item.truncate"]);

/** The part of a WebSocket that is needed. */
export interface Wire {
  readonly readyState: number;
  onopen: (() => void) | null;
  onmessage: ((message: { data: unknown }) => void) | null;
  onclose: ((close: { code: number }) => void) | null;
  send(text: string): void;
  close(): void;
}

export class PeerWire implements Wire {
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: unknown }) => void) | null = null;
  onclose: ((close: { code: number }) => void) | null = null;
  private readonly peer = new RTCPeerConnection();
  private readonly channel = this.peer.createDataChannel(CHANNEL);
  private readonly voice = this.peer.addTransceiver("audio", { direction: "sendrecv" }).sender;
  private over = false;

  /** `url` is that of the socket; `heard` is given what is to be played. */
  constructor(url: string, microphone: MediaStreamTrack | null, heard: (sound: MediaStream) => void) {
    this.peer.ontrack = ({ track }) => heard(new MediaStream([track]));
    this.channel.onopen = () => this.onopen?.();
    this.channel.onmessage = (message) => this.onmessage?.(message);
    this.channel.onclose = () => this.end();
    this.peer.onconnectionstatechange = () => {
      if (["failed", "closed"].includes(this.peer.connectionState)) this.end();
    };
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
    this.over = true;
    this.peer.close();
  }

  private async call(url: string): Promise<void> {
    await this.peer.setLocalDescription();
    const answer = await fetchKeyed(`/v1/realtime/calls${new URL(url).search}`, {
      method: "POST",
      headers: { "content-type": "application/sdp" },
      body: this.peer.localDescription?.sdp ?? "",
    });
    if (!answer.ok) throw new Error(`the call was answered with ${answer.status}`);
    await this.peer.setRemoteDescription({ type: "answer", sdp: await answer.text() });
  }

  private end(): void {
    if (this.over) return;
    this.close();
    this.onclose?.({ code: 0 });
  }
}
