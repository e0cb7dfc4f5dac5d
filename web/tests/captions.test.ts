import { describe, expect, it } from "vitest";
import { Captions, wordEnd } from "../src/model/captions";
import { Pace } from "../src/model/pace";

const shown = (captions: Captions) => captions.lines.map((line) => line.text.slice(0, line.shown));
const states = (captions: Captions) => captions.lines.map((line) => line.state);

describe("the pace of a text", () => {
  const A = "Hello there my friend."; // 22 characters
  const B = "How are you?";

  it("shows nothing before the first sound", () => {
    const pace = new Pace();
    pace.add(A, 0);
    expect(pace.spoken(-1)).toBe(0);
  });

  it("spreads a sentence over the audio until the next one came", () => {
    const pace = new Pace();
    pace.add(A, 0);
    pace.add(B, 2000);
    expect(pace.spoken(1000)).toBeGreaterThan(8);
    expect(pace.spoken(1000)).toBeLessThan(16);
    expect(pace.spoken(1999)).toBeLessThanOrEqual(A.length);
    expect(pace.spoken(2100)).toBeGreaterThan(A.length);
  });

  it("ends with the audio once that is complete", () => {
    const pace = new Pace();
    pace.add(A, 0);
    pace.finish(4000);
    expect(pace.spoken(2000)).toBeLessThan(A.length);
    expect(pace.spoken(4000)).toBe(A.length);
  });

  it("does not run ahead of the voice when all text comes before its audio", () => {
    const pace = new Pace();
    pace.add(A, 0);
    pace.add(B, 100); // nobody says 22 letters in 100 ms
    expect(pace.spoken(200)).toBeLessThan(8);
  });

  it("is squeezed into audio that is shorter than expected", () => {
    const pace = new Pace();
    pace.add(A.repeat(4), 0);
    pace.finish(1500);
    expect(pace.spoken(1500)).toBe(A.length * 4);
  });

  it("gives a Chinese character the time of several letters", () => {
    const pace = new Pace();
    pace.add("你好吗朋友", 0);
    expect(pace.spoken(450)).toBeLessThan(4);
    expect(pace.spoken(1200)).toBe(5);
  });
});

describe("a word", () => {
  it("appears whole in Latin script, with what follows it", () => expect(wordEnd("Hello, you", 2)).toBe(6));
  it("is a single character in Chinese", () => expect(wordEnd("你好吗", 1)).toBe(1));
  it("has not begun at zero", () => expect(wordEnd("Hello", 0)).toBe(0));
});

describe("captions", () => {
  it("put the user's line before the answer, however late its words come", () => {
    const captions = new Captions();
    captions.userStarted("u1");
    captions.avatarDelta("a1", "Hi.", 0);
    captions.userDelta("u1", "Hello");
    captions.userFinal("u1", "Hello!");
    expect(captions.lines.map(({ id }) => id)).toEqual(["u1", "a1"]);
    expect(captions.lines[0]).toMatchObject({ text: "Hello!", state: "final" });
  });

  it("drop a turn in which nothing was said", () => {
    const captions = new Captions();
    captions.userStarted("u1");
    captions.userFinal("u1", " ");
    expect(captions.lines).toEqual([]);
  });

  it("show the avatar's words as they are heard, never fewer than before", () => {
    const captions = new Captions();
    captions.avatarDelta("a1", "One two three four.", 0);
    captions.avatarComplete("a1", 2000);
    expect(shown(captions)).toEqual([""]);
    captions.avatarHeard("a1", 900);
    const [half = ""] = shown(captions);
    expect(half).toMatch(/^One two( three)?$/);
    captions.avatarHeard("a1", 100);
    expect(shown(captions)).toEqual([half]);
    captions.avatarFinal("a1");
    expect(shown(captions)).toEqual(["One two three four."]);
    expect(states(captions)).toEqual(["final"]);
  });

  it("keep of an interrupted answer what was heard, and say so", () => {
    const captions = new Captions();
    captions.avatarDelta("a1", "One two three four five six.", 0);
    captions.avatarComplete("a1", 3000);
    captions.avatarInterrupted("a1", 1000);
    expect(states(captions)).toEqual(["interrupted"]);
    expect(captions.lines[0]?.text.length).toBeLessThan(16);
    captions.avatarHeard("a1", 3000);
    expect(captions.lines[0]?.text.length).toBeLessThan(16);
  });

  it("drop an answer that was interrupted before its first word", () => {
    const captions = new Captions();
    captions.avatarDelta("a1", "Never heard.", 0);
    captions.avatarInterrupted("a1", 0);
    expect(captions.lines).toEqual([]);
  });

  it("close what is open when the call ends", () => {
    const captions = new Captions();
    captions.userStarted("u1");
    captions.userDelta("u1", "Half a");
    captions.avatarDelta("a1", "Never heard.", 0);
    captions.close();
    expect(states(captions)).toEqual(["final"]);
  });
});
