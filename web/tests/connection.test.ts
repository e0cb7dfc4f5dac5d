import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { backoffMs } from "../src/protocol/backoff";
import { Connection, realtimeUrl } from "../src/protocol/connection";

class FakeSocket {
  static readonly OPEN = 1;
  static made: FakeSocket[] = [];
  readyState = 0;
  sent: string[] = [];
  onopen: (() => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;

  constructor(
    readonly url: string,
    readonly protocol: string,
  ) {
    FakeSocket.made.push(this);
  }

  send(text: string): void {
    this.sent.push(text);
  }

  close(): void {
    this.drop(1000);
  }

  open(): void {
    this.readyState = 1;
    this.onopen?.();
  }

  drop(code = 1006): void {
    this.readyState = 3;
    this.onclose?.({ code });
  }
}

const last = () => FakeSocket.made.at(-1) as FakeSocket;
let waits: number[];
let events: string[];
let reachable: boolean;
let connection: Connection;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", FakeSocket);
  vi.spyOn(Math, "random").mockReturnValue(1);
  FakeSocket.made = [];
  waits = [];
  events = [];
  reachable = true;
  connection = new Connection({
    address: async () => {
      if (!reachable) throw new Error("nobody there");
      return "ws://host/v1/realtime";
    },
    event: (event) => events.push(event.type),
    lost: (wait) => waits.push(wait),
  });
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const connect = async () => {
  connection.connect();
  await vi.advanceTimersByTimeAsync(0);
};

describe("the connection", () => {
  it("asks for the realtime subprotocol and delivers events", async () => {
    await connect();
    last().open();
    last().onmessage?.({ data: '{"type":"session.created"}' });
    last().onmessage?.({ data: "nonsense" });
    expect(last().protocol).toBe("realtime");
    expect(events).toEqual(["session.created"]);
  });

  it("says whether an event could be sent", async () => {
    await connect();
    expect(connection.send({ type: "response.create" })).toBe(false);
    last().open();
    expect(connection.send({ type: "response.create" })).toBe(true);
    expect(last().sent).toEqual(['{"type":"response.create"}']);
  });

  it("comes back, waiting longer each time", async () => {
    await connect();
    for (let i = 0; i < 3; i++) {
      last().drop();
      await vi.advanceTimersByTimeAsync(waits.at(-1) ?? 0);
    }
    expect(waits).toEqual([500, 1000, 2000]);
    expect(FakeSocket.made.length).toBe(4);
  });

  it("starts the waits anew after a connection that held", async () => {
    await connect();
    last().drop();
    await vi.advanceTimersByTimeAsync(500);
    last().open();
    await vi.advanceTimersByTimeAsync(6000);
    last().drop();
    expect(waits).toEqual([500, 500]);
  });

  it("comes back at once to a server that restarts", async () => {
    await connect();
    last().open();
    await vi.advanceTimersByTimeAsync(6000);
    last().drop(1012);
    expect(waits).toEqual([0]);
  });

  it("counts a server that can't be asked as a failed attempt", async () => {
    reachable = false;
    await connect();
    expect(waits).toEqual([500]);
    reachable = true;
    await vi.advanceTimersByTimeAsync(500);
    expect(FakeSocket.made.length).toBe(1);
  });

  it("forgets the old socket when told to connect now", async () => {
    await connect();
    const old = last();
    await connect();
    old.onmessage?.({ data: '{"type":"session.created"}' });
    old.drop();
    expect(events).toEqual([]);
    expect(waits).toEqual([]);
  });

  it("hurries only while it waits", async () => {
    await connect();
    connection.hurry();
    await vi.advanceTimersByTimeAsync(0);
    expect(FakeSocket.made.length).toBe(1);
    last().drop();
    connection.hurry();
    await vi.advanceTimersByTimeAsync(0);
    expect(FakeSocket.made.length).toBe(2);
  });
});

describe("the wait", () => {
  it("never exceeds 15 s and spreads by a quarter", () => {
    expect(backoffMs(20, 1)).toBe(15_000);
    expect(backoffMs(20, 0)).toBe(11_250);
  });
});

describe("the address", () => {
  it("lies beside the page", () => {
    expect(realtimeUrl({ protocol: "https:", host: "a.example" }, "m&m")).toBe(
      "wss://a.example/v1/realtime?model=m%26m",
    );
    expect(realtimeUrl({ protocol: "http:", host: "localhost:8080" }, "mira")).toBe(
      "ws://localhost:8080/v1/realtime?model=mira",
    );
  });
});
