import { afterEach, beforeEach, describe, expect, it, type Mock, vi } from "vitest";
import { PeerWire } from "../src/protocol/peer-wire";

class FakeChannel {
  readyState = "connecting";
  onopen: (() => void) | null = null;
  onclose: (() => void) | null = null;
  onmessage: ((message: { data: unknown }) => void) | null = null;
  readonly sent: string[] = [];

  send(text: string): void {
    this.sent.push(text);
  }
}

class FakePeer {
  static last: FakePeer;
  readonly channel = new FakeChannel();
  readonly kinds: string[] = [];
  localDescription = { sdp: "v=0" };
  connectionState = "new";
  closed = false;
  onconnectionstatechange: (() => void) | null = null;
  ontrack: unknown = null;
  setLocalDescription = async () => undefined;
  setRemoteDescription = async () => undefined;

  constructor() {
    FakePeer.last = this;
  }

  createDataChannel(): FakeChannel {
    return this.channel;
  }

  addTransceiver(kind: string) {
    this.kinds.push(kind);
    return { sender: { replaceTrack: async () => undefined } };
  }

  open(): void {
    this.change("connected");
    this.channel.readyState = "open";
    this.channel.onopen?.();
  }

  change(state: string): void {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }

  close(): void {
    this.closed = true;
  }
}

let requests: string[];
let status: number;
let blocked: Mock<() => void>;
let closed: Mock<() => void>;

beforeEach(() => {
  vi.useFakeTimers();
  requests = [];
  status = 201;
  blocked = vi.fn();
  closed = vi.fn();
  vi.stubGlobal("RTCPeerConnection", FakePeer);
  vi.stubGlobal("WebSocket", { OPEN: 1, CONNECTING: 0 });
  vi.stubGlobal("fetch", async (address: string) => {
    requests.push(address);
    return {
      ok: status < 300,
      status,
      headers: new Headers({ location: "/v1/realtime/calls/rtc_1" }),
      text: async () => "v=0 answer",
    };
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function call(video = false): Promise<PeerWire> {
  const wire = new PeerWire("ws://host/v1/realtime?model=mira", null, video, {
    arrived: () => undefined,
    blocked,
  });
  wire.onclose = closed;
  await vi.advanceTimersByTimeAsync(0);
  return wire;
}

describe("a call over WebRTC", () => {
  it("has pictures where the server is to draw", async () => {
    await call();
    expect(FakePeer.last.kinds).toEqual(["audio"]);
    await call(true);
    expect(FakePeer.last.kinds).toEqual(["audio", "video"]);
    expect(requests[0]).toBe("/v1/realtime/calls?model=mira");
  });

  it("is given up where the network lets none through", async () => {
    await call();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(blocked).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(blocked).toHaveBeenCalledOnce();
    expect(closed).toHaveBeenCalledOnce();
    expect(FakePeer.last.closed).toBe(true);
    expect(requests.at(-1)).toBe("/v1/realtime/calls/rtc_1/hangup");
  });

  it("is given up where the server takes none, and tried again where it is full or away", async () => {
    status = 400;
    await call();
    expect(blocked).toHaveBeenCalledOnce();
    status = 503;
    await call();
    expect(blocked).toHaveBeenCalledOnce();
    expect(closed).toHaveBeenCalledTimes(2);
    expect(requests).toHaveLength(2);
  });

  it("that was there is lost like any other, when its network does not come back", async () => {
    const wire = await call();
    FakePeer.last.open();
    expect(wire.readyState).toBe(1);
    FakePeer.last.change("disconnected");
    await vi.advanceTimersByTimeAsync(3_000);
    FakePeer.last.change("connected");
    await vi.advanceTimersByTimeAsync(9_000);
    expect(closed).not.toHaveBeenCalled();
    FakePeer.last.change("disconnected");
    await vi.advanceTimersByTimeAsync(4_000);
    expect(closed).toHaveBeenCalledOnce();
    expect(blocked).not.toHaveBeenCalled();
  });

  it("is hung up when it is closed, also before it was answered, once", async () => {
    const wire = await call();
    wire.close();
    wire.close();
    wire.hangUp();
    expect(requests.filter((address) => address.endsWith("/hangup"))).toHaveLength(1);
    expect(closed).not.toHaveBeenCalled();
    const early = new PeerWire("ws://host/v1/realtime?model=mira", null, false, {
      arrived: () => undefined,
      blocked,
    });
    early.close();
    await vi.advanceTimersByTimeAsync(0);
    expect(requests.filter((address) => address.endsWith("/hangup"))).toHaveLength(2);
  });

  it("sends no sound as events, and no word on what was heard", async () => {
    const wire = await call();
    FakePeer.last.open();
    wire.send('{"type":"input_audio_buffer.append"}');
    wire.send('{"type":"response.create"}');
    expect(FakePeer.last.channel.sent).toEqual(['{"type":"response.create"}']);
  });
});
