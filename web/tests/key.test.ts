import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

const load = async () => {
  vi.resetModules();
  return import("../src/protocol/key");
};

let hash: string;
let kept: Map<string, string>;
let asked: [string, Headers][];

beforeEach(() => {
  hash = "";
  kept = new Map();
  asked = [];
  vi.stubGlobal("location", {
    get hash() {
      return hash;
    },
    pathname: "/",
    search: "?face=server",
  });
  vi.stubGlobal("history", { replaceState: vi.fn(() => (hash = "")) });
  vi.stubGlobal("sessionStorage", {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => kept.set(name, value),
  });
  vi.stubGlobal("fetch", async (address: string, init: RequestInit) => {
    asked.push([address, new Headers(init.headers)]);
    return new Response("{}", { status: address === "/locked" ? 401 : 200 });
  });
});

afterEach(() => vi.unstubAllGlobals());

describe("the key", () => {
  it("is sent with nothing while there is none", async () => {
    const { fetchKeyed, subprotocols, takeKey } = await load();
    takeKey();
    await fetchKeyed("/v1/voices");
    expect(asked[0]?.[1].has("authorization")).toBe(false);
    expect(subprotocols()).toBe("realtime");
  });

  it("comes out of the address, and does not stay there", async () => {
    hash = "#key=pt_0123";
    const { fetchKeyed, subprotocols, takeKey } = await load();
    takeKey();
    expect(history.replaceState).toHaveBeenCalledWith(null, "", "/?face=server");
    await fetchKeyed("/v1/voices", { headers: { accept: "application/json" } });
    expect(asked[0]?.[1].get("authorization")).toBe("Bearer pt_0123");
    expect(asked[0]?.[1].get("accept")).toBe("application/json");
    expect(subprotocols()).toEqual(["realtime", "openai-insecure-api-key.pt_0123"]);
  });

  it("is kept for the tab", async () => {
    (await load()).setKey(" pt_4567 ");
    const { subprotocols, takeKey } = await load();
    takeKey();
    expect(subprotocols()).toEqual(["realtime", "openai-insecure-api-key.pt_4567"]);
  });

  it("holds for the page where nothing may be kept", async () => {
    const forbidden = () => {
      throw new Error("forbidden");
    };
    vi.stubGlobal("sessionStorage", { getItem: forbidden, setItem: forbidden });
    const { setKey, subprotocols, takeKey } = await load();
    takeKey();
    expect(subprotocols()).toBe("realtime");
    setKey("pt_89ab");
    expect(subprotocols()).toHaveLength(2);
  });

  it("is wanted when the server says so", async () => {
    const { fetchWhole } = await load();
    await expect(fetchWhole("/locked")).rejects.toThrow("gave 401");
  });
});
