import { describe, expect, it } from "vitest";
import { fill, firstLanguage, languages } from "../src/i18n";

type Tree = { [key: string]: string | Tree };

function leaves(tree: Tree, path = ""): [string, string][] {
  return Object.entries(tree).flatMap(([key, value]) =>
    typeof value === "string"
      ? [[`${path}${key}`, value] as [string, string]]
      : leaves(value, `${path}${key}.`),
  );
}

const places = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort();
const en = leaves(languages.en);
const zh = new Map(leaves(languages.zh));

describe("the languages", () => {
  it("have the same keys", () => expect([...zh.keys()].sort()).toEqual(en.map(([key]) => key).sort()));

  it.each(en)("%s says something, with the same places", (key, text) => {
    const other = zh.get(key) ?? "";
    expect(text.trim()).not.toBe("");
    expect(other.trim()).not.toBe("");
    expect(places(other)).toEqual(places(text));
  });
});

describe("the first language", () => {
  it("is what was chosen before", () => expect(firstLanguage("zh", ["en-US"])).toBe("zh"));
  it("is else the first of the browser's that there is", () => {
    expect(firstLanguage(null, ["fr-FR", "zh-CN", "en"])).toBe("zh");
    expect(firstLanguage(null, ["en-GB", "zh"])).toBe("en");
  });
  it("is else English", () => expect(firstLanguage("xx", ["fr"])).toBe("en"));
});

describe("filling", () => {
  it("puts values into their places and leaves others", () => {
    expect(fill("{a} and {b}", { a: 1 })).toBe("1 and {b}");
  });
});
