import { beforeEach, describe, expect, it, vi } from "vitest";
import { LiveSound } from "../src/media/live-sound";
import { firstTransport } from "../src/model/choice";
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

  it("goes from one answer to the next", () => {
    sound.began("a");
    now += 500;
    sound.ended("a");
    sound.began("b");
    now += 100;
    expect(sound.firstHeardAt("b")).toBe(1580);
    expect(sound.heardMs("a")).toBe(0);
  });
});

describe("the transport", () => {
  it("is a WebSocket unless the address says otherwise", () => {
    expect(firstTransport("")).toBe("websocket");
    expect(firstTransport("?connection=webrtc")).toBe("webrtc");
    expect(firstTransport("?connection=pigeon")).toBe("websocket");
  });
});
