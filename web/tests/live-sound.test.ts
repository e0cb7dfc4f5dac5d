import { beforeEach, describe, expect, it, vi } from "vitest";
import { LiveSound } from "../src/media/live-sound";
import { firstTravel, transportOf } from "../src/model/choice";
import { RATE } from "../src/protocol/events";

let now = 0;
const clear = vi.fn();
let sound: LiveSound;

beforeEach(() => {
  now = 1000;
  clear.mockReset();
  sound = new LiveSound(() => now, clear);
});

describe("the sound of a call", () => {
  it("is heard from a little after the server began to a little after it stopped", () => {
    expect(sound.position()).toBeNull();
    sound.began("a");
    expect(sound.position()).toBeNull();
    now += 580;
    expect(sound.position()).toEqual({ stream: "a", sample: 0.5 * RATE, sounding: true });
    sound.ended("a");
    now += 50;
    expect(sound.finished("a")).toBe(false);
    now += 500;
    expect(sound.finished("a")).toBe(true);
    expect(sound.heardMs("a")).toBe(580);
    expect(sound.position()?.sounding).toBe(false);
    sound.forget("a");
    expect(sound.position()).toBeNull();
  });

  it("is cut off where it is heard, and the server told to play no more", () => {
    sound.began("a");
    now += 280;
    expect(sound.flush()).toEqual([{ stream: "a", playedMs: 200 }]);
    expect(clear).toHaveBeenCalledOnce();
    expect(sound.flush()).toEqual([]);
    sound.ended("a");
    expect(sound.finished("a")).toBe(true);
  });

  it("that has ended already is not cut", () => {
    sound.began("a");
    now += 280;
    sound.ended("a");
    expect(sound.flush()).toEqual([]);
    expect(clear).not.toHaveBeenCalled();
  });

  it("is heard first when it is found in what is played, or is taken for heard when it is not", () => {
    let rose: number | null = null;
    sound = new LiveSound(
      () => now,
      clear,
      (since) => (rose !== null && rose >= since ? rose : null),
    );
    sound.began("a");
    now += 150;
    expect(sound.firstHeardAt("a")).toBeNull();
    rose = now - 10;
    expect(sound.firstHeardAt("a")).toBe(1140);
    now += 300;
    expect(sound.heardMs("a")).toBe(310);
    sound.ended("a");
    now += 1000;
    sound.began("b");
    const started = now;
    expect(sound.firstHeardAt("b")).toBeNull();
    now += 401;
    expect(sound.firstHeardAt("b")).toBe(started + 80);
  });

  it("goes from one answer to the next", () => {
    sound.began("a");
    now += 500;
    sound.ended("a");
    sound.began("b");
    now += 500;
    expect(sound.firstHeardAt("b")).toBe(1580);
    expect(sound.heardMs("a")).toBe(0);
  });
});

describe("the connection", () => {
  it("is what the address asks for, else what was chosen last, else automatic", () => {
    expect(firstTravel("", null)).toBe("auto");
    expect(firstTravel("?connection=webrtc", "websocket")).toBe("webrtc");
    expect(firstTravel("?connection=pigeon", null)).toBe("auto");
    expect(firstTravel("", "websocket")).toBe("websocket");
  });

  it("is WebRTC by itself on mobile networks, and never again where it did not get through", () => {
    const fixed = { cellular: false, blocked: false };
    const mobile = { cellular: true, blocked: false };
    expect(transportOf("auto", fixed)).toBe("websocket");
    expect(transportOf("auto", mobile)).toBe("webrtc");
    expect(transportOf("websocket", mobile)).toBe("websocket");
    expect(transportOf("webrtc", fixed)).toBe("webrtc");
    expect(transportOf("webrtc", { cellular: true, blocked: true })).toBe("websocket");
  });
});
