/** The media socket: text frames say which film begins, ends or was cut off, binary frames are the film. */

export interface MediaHooks {
  begin(stream: string, mime: string): boolean;
  frame(data: ArrayBuffer): void;
  ended(stream: string): void;
  flushed(stream: string): void;
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

  constructor(private readonly hooks: MediaHooks) {}

  /** Opens where the session says its films are; null closes. */
  follow(address: MediaAddress | null): void {
    if ((address?.token ?? "") === this.token) return;
    this.close();
    if (address) this.open(address);
  }

  close(): void {
    this.token = "";
    this.socket?.close();
    this.socket = null;
  }

  private open({ url, token }: MediaAddress): void {
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
    this.socket = socket;
    this.token = token;
  }

  private said({ type, response_id: stream = "", mime = "" }: Said): void {
    if (type === "media.begin" && !this.hooks.begin(stream, mime))
      this.close(); // answers come as sound from now on
    else if (type === "media.end") this.hooks.ended(stream);
    else if (type === "media.flush") this.hooks.flushed(stream);
  }
}
