import { describe, expect, it } from "vitest";
import { VoiceEnd } from "../src/audio/voice-end";
import { RATE } from "../src/protocol/events";

const packet = (level: number) => new Int16Array(RATE / 50).fill(level);

describe("the end of a voice", () => {
  it("is where the last loud sound was captured", () => {
    const voice = new VoiceEnd(RATE);
    for (let at = 20; at <= 1000; at += 20) voice.push(packet(at <= 600 ? 8000 : 20), at);
    expect(voice.before(1000, 300)).toBeCloseTo(600, 0);
  });

  it("is found within a packet", () => {
    const voice = new VoiceEnd(RATE);
    const half = packet(0);
    half.fill(8000, 0, 240);
    voice.push(half, 120);
    for (let at = 140; at <= 600; at += 20) voice.push(packet(0), at);
    expect(voice.before(600, 300)).toBeCloseTo(110, 0);
  });

  it("is no later than the silence was that ended the turn, however loud the room is", () => {
    const voice = new VoiceEnd(RATE);
    for (let at = 20; at <= 1000; at += 20) voice.push(packet(5000), at);
    expect(voice.before(1000, 300)).toBe(700);
    expect(new VoiceEnd(RATE).before(1000, 300)).toBe(700);
  });
});
