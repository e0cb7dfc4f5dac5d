/** One WebSocket that comes back by itself. */

import { backoffMs } from "./backoff";
import { type ClientEvent, parseEvent, type ServerEvent } from "./events";
import { subprotocols } from "./key";
import type { Wire } from "./peer-wire";

/** A server that drains before a restart closes with this code and wants its clients back at once. */
const SERVICE_RESTART = 1012;
/** A connection that lived this long was a good one: the next failure starts the backoff anew. */
const STABLE_MS = 5_000;

export interface ConnectionHooks {
  /** Where to connect to; asked before each attempt. A rejection is a failed attempt. */
  address(): Promise<string>;
  /** What to open there; a WebSocket where this gives nothing. */
  wire?(url: string): Wire | null;
  event(event: ServerEvent): void;
  /** The connection is gone, or could not be made; the next attempt is `retryMs` away. */
  lost(retryMs: number): void;
}

export class Connection {
  private socket: Wire | null = null;
  private attempt = 0;
  /** Counts calls of `connect`: what belongs to an older one is stale. */
  private round = 0;
  private openedAt: number | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly hooks: ConnectionHooks) {}

  /** Connects now, whatever was going on before. */
  connect(): void {
    clearTimeout(this.timer);
    const round = ++this.round;
    this.socket?.close();
    this.socket = null;
    this.openedAt = null;
    this.hooks.address().then(
      (url) => this.round === round && this.open(url, round),
      () => this.round === round && this.closed(0),
    );
  }

  /** Connects at once if it is waiting for its next attempt. */
  hurry(): void {
    if (this.socket === null) this.connect();
  }

  /** Sends if it can. An event that finds no open connection is gone, and the caller told so. */
  send(event: ClientEvent): boolean {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(event));
    return true;
  }

  private open(url: string, round: number): void {
    const socket = this.hooks.wire?.(url) ?? (new WebSocket(url, subprotocols()) as Wire);
    this.socket = socket;
    socket.onopen = () => {
      if (this.round === round) this.openedAt = performance.now();
    };
    socket.onmessage = (message) => {
      const event = this.round === round ? parseEvent(message.data) : null;
      if (event) this.hooks.event(event);
    };
    socket.onclose = (close) => {
      if (this.round === round) this.closed(close.code);
    };
  }

  private closed(code: number): void {
    const stable = this.openedAt !== null && performance.now() - this.openedAt > STABLE_MS;
    if (stable) this.attempt = 0;
    this.socket = null;
    this.openedAt = null;
    const wait = code === SERVICE_RESTART && stable ? 0 : backoffMs(this.attempt, Math.random());
    this.attempt += 1;
    this.timer = setTimeout(() => this.connect(), wait);
    this.hooks.lost(wait);
  }
}

/** The address of the conversation endpoint beside this page. */
export function realtimeUrl(page: { protocol: string; host: string }, avatar: string): string {
  const scheme = page.protocol === "https:" ? "wss:" : "ws:";
  return `${scheme}//${page.host}/v1/realtime?model=${encodeURIComponent(avatar)}`;
}
