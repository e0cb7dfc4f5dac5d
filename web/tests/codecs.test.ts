import { expect, test } from "vitest";
import { playable } from "../src/media/codecs";

test("a browser with everything plays everything", () => {
  expect(playable(() => true)).toEqual({ codec: ["h264", "vp9"], audio_codec: ["opus", "aac"] });
});

test("one without H.264 is sent VP9", () => {
  const plays = (mime: string) => !mime.includes("avc1") && !mime.includes("mp4a");
  expect(playable(plays)).toEqual({ codec: ["vp9"], audio_codec: ["opus"] });
});

test("one that knows no Opus in MP4 is sent AAC", () => {
  const plays = (mime: string) => mime.includes("avc1") && mime.includes("mp4a");
  expect(playable(plays)).toEqual({ codec: ["h264"], audio_codec: ["aac"] });
});

test("one that plays nothing says so", () => {
  expect(playable(() => false).codec).toEqual([]);
});
