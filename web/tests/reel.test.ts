import { describe, expect, it } from "vitest";
import { Reel } from "../src/media/reel";
import { firstRenderer } from "../src/model/choice";

describe("films on one timeline", () => {
  it("puts a film behind the one before it, or where the player stands", () => {
    const reel = new Reel();
    expect(reel.begin("a", 0, 0)).toBe(0);
    reel.received("a", 2);
    expect(reel.begin("b", 1, 2)).toBe(2);
    reel.received("b", 3);
    expect(reel.begin("c", 7, 3)).toBe(7);
  });

  it("knows what is seen, and how far into it", () => {
    const reel = new Reel();
    reel.begin("a", 5, 0);
    expect(reel.at(5)).toBeNull(); // nothing of it has come
    reel.received("a", 6);
    expect(reel.at(5.5)).toEqual({ stream: "a", sample: 12_000, sounding: true });
    expect(reel.at(6)?.sounding).toBe(false);
    expect(reel.heardMs("a", 5.25)).toBe(250);
    expect(reel.receivedMs("a")).toBe(1000);
  });

  it("is over when all of it came and was seen", () => {
    const reel = new Reel();
    reel.begin("a", 0, 0);
    reel.received("a", 1);
    expect(reel.finished("a", 1)).toBe(false);
    reel.end("a");
    expect(reel.finished("a", 0.5)).toBe(false);
    expect(reel.finished("a", 1)).toBe(true);
  });

  it("throws away what still comes of a film that was cut off", () => {
    const reel = new Reel();
    reel.begin("a", 0, 0);
    reel.received("a", 2);
    expect(reel.flush(0.5)).toEqual([{ stream: "a", playedMs: 500 }]);
    expect(reel.dropped("a")).toBe(true);
    expect(reel.has("a")).toBe(false);
    expect(reel.at(0.6)).toBeNull();
    expect(reel.begin("b", 0.5, 0.5)).toBe(0.5);
    expect(reel.dropped("b")).toBe(false);
  });
});

describe("who draws", () => {
  it("is what the address asks for, else what was chosen last, else the page", () => {
    expect(firstRenderer("?video=server", "here")).toBe("server");
    expect(firstRenderer("?video=here", "server")).toBe("here");
    expect(firstRenderer("", "server")).toBe("server");
    expect(firstRenderer("", null)).toBe("here");
  });
});
