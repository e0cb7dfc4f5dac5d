/** One WebSocket that comes back by itself. */

import { backoffMs } from "./backoff";
import { type ClientEvent, parseEvent, type ServerEvent } from "./events";

/** A server that drains before a restart closes with this code and wants its clients back at once. */
const SERVICE_RESTART = 1012;
/** A connection that lived this long was a good one: the next failure starts the backoff anew. */
const STABLE_MS = 5_000;

export interface ConnectionHooks {
  event(event: ServerEvent): void;
  open(): void;
  /** The connection is gone; the next attempt is `retryMs` away. `everOpen` is false while none has succeeded. */
  lost(retryMs: number): void;
}

export class Connection {
  private socket: WebSocket | null = null;
  private attempt = 0;
  private openedAt = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly url: () => string,
    private readonly hooks: ConnectionHooks,
  ) {}

  connect(): void {
    clearTimeout(this.timer);
    this.drop();
    const socket = new WebSocket(this.url(), "realtime");
    this.socket = socket;
    socket.onopen = () => {
      this.openedAt = performance.now();
      this.hooks.open();
    };
    socket.onmessage = (message) => {
      const event = parseEvent(message.data);
      if (event) this.hooks.event(event);
    };
    socket.onclose = (close) => this.closed(close.code);
  }

  /** Sends if it can. An event that finds no open connection is gone, and the caller told so. */
  send(event: ClientEvent): boolean {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(event));
    return true;
  }

  private closed(code: number): void {
    this.socket = null;
    if (this.openedAt > 0 && performance.now() - this.openedAt > STABLE_MS) this.attempt = 0;
    this.openedAt = 0;
    const wait = code === SERVICE_RESTART ? 0 : backoffMs(this.attempt, Math.random());
    this.attempt += 1;
    this.timer = setTimeout(() => this.connect(), wait);
    this.hooks.lost(wait);
  }

  private drop(): void {
    if (!this.socket) return;
    this.socket.onclose = null;
    this.socket.onmessage = null;
    this.socket.close();
    this.socket = null;
  }
}

/** The address of the conversation endpoint beside this page. */
export function realtimeUrl(page: { protocol: string; host: string }, avatar: string): string {
  const scheme = page.protocol === "https:" ? "wss:" : "ws:";
  return `${scheme}//${page.host}/v1/realtime?model=${encodeURIComponent(avatar)}`;
}
