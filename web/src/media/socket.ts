/** The media socket: text frames say which film begins, ends or was cut off, binary frames are the film. */

import { backoffMs } from "../protocol/backoff";

/** A socket that brought so many films was a good one: the next loss starts the backoff anew. */
const GOOD_AFTER_FILMS = 1;

export interface MediaHooks {
  begin(stream: string, mime: string): boolean;
  frame(data: ArrayBuffer): void;
  ended(stream: string): void;
  flushed(stream: string): void;
  /** No more of any film comes: the rest of an answer comes as sound. */
  lost(): void;
}

export interface MediaAddress {
  url: string;
  token: string;
}

interface Said {
  type?: string;
  response_id?: string;
  mime?: string;
}

export class MediaSocket {
  private socket: WebSocket | null = null;
  private token = "";
  private attempt = 0;
  private films = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly hooks: MediaHooks) {}

  /** Opens where the session says its films are; null closes. */
  follow(address: MediaAddress | null): void {
    if ((address?.token ?? "") === this.token) return;
    this.close();
    if (address) this.open(address);
  }

  close(): void {
    this.token = "";
    this.attempt = 0;
    this.leave();
  }

  private leave(): void {
    clearTimeout(this.timer);
    const { socket } = this;
    this.socket = null;
    socket?.close();
  }

  private open(address: MediaAddress): void {
    const { url, token } = address;
    const page = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${page}//${location.host}${url}`, [
      "polytalk.media",
      `polytalk.token.${token}`,
    ]);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => {
      if (socket !== this.socket) return;
      if (data instanceof ArrayBuffer) this.hooks.frame(data);
      else this.said(JSON.parse(String(data)) as Said);
    };
    socket.onclose = () => {
      if (socket === this.socket) this.lost(address);
    };
    this.socket = socket;
    this.token = token;
    this.films = 0;
  }

  /** Meanwhile answers come as sound; films return with the socket. */
  private lost(address: MediaAddress): void {
    this.socket = null;
    this.hooks.lost();
    this.attempt = this.films >= GOOD_AFTER_FILMS ? 0 : this.attempt + 1;
    this.timer = setTimeout(() => this.open(address), backoffMs(this.attempt, Math.random()));
  }

  private said({ type, response_id: stream = "", mime = "" }: Said): void {
    if (type === "media.begin") {
      this.films += 1;
      if (!this.hooks.begin(stream, mime)) this.leave(); // answers come as sound from now on
    } else if (type === "media.end") this.hooks.ended(stream);
    else if (type === "media.flush") this.hooks.flushed(stream);
  }
}
