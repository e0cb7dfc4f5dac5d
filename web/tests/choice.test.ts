import { describe, expect, it } from "vitest";
import { firstChoice, NO_CHOICE } from "../src/model/choice";
import type { Catalogue } from "../src/protocol/catalogue";

const avatar = (id: string, voice: string) => ({ id, voice, name: { en: id }, bundle: "" });
const voice = (id: string) => ({ id, name: id, languages: ["en"] });
const catalogue: Catalogue = {
  avatars: [avatar("mira", "heart"), avatar("theo", "joe")],
  voices: [voice("heart"), voice("joe")],
};

describe("the first choice", () => {
  it("is the server's first avatar with its own voice", () => {
    expect(firstChoice(catalogue, null)).toEqual({ avatar: "mira", voice: "heart" });
  });

  it("is what was chosen last time", () => {
    expect(firstChoice(catalogue, '{"avatar":"theo","voice":"heart"}')).toEqual({
      avatar: "theo",
      voice: "heart",
    });
  });

  it.each(['{"avatar":"gone","voice":"joe"}', '{"avatar":"theo","voice":"gone"}', "3", "{broken"])(
    "forgets what the server no longer has, or what can't be read: %s",
    (stored) => expect(firstChoice(catalogue, stored)).toEqual({ avatar: "mira", voice: "heart" }),
  );

  it("is none when there is nothing to choose", () => {
    expect(firstChoice({ avatars: [], voices: [] }, null)).toBe(NO_CHOICE);
  });
});
