/** The key that opens the server, once it has any: from the page's address, or typed. Kept for this tab alone. */

const KEPT = "polytalk.key";
const SUBPROTOCOL = "realtime";
/** Browsers can't set headers on a WebSocket, so the key is a subprotocol. */
const KEY_SUBPROTOCOL = "openai-insecure-api-key.";

let key = "";

/** Takes the key out of `#key=…`, which servers never see, so that it is not left in the address either. */
export function takeKey(): void {
  const given = new URLSearchParams(location.hash.slice(1)).get("key");
  if (given) {
    setKey(given);
    history.replaceState(null, "", location.pathname + location.search);
    return;
  }
  try {
    key = sessionStorage.getItem(KEPT) ?? "";
  } catch {
    key = ""; // storage may be forbidden; then it is asked for again
  }
}

export function setKey(given: string): void {
  key = given.trim();
  try {
    sessionStorage.setItem(KEPT, key);
  } catch {
    // It holds until the page is left.
  }
}

export function subprotocols(): string | string[] {
  return key === "" ? SUBPROTOCOL : [SUBPROTOCOL, KEY_SUBPROTOCOL + key];
}

/** `fetch` with the key. */
export function fetchKeyed(address: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  if (key !== "") headers.set("authorization", `Bearer ${key}`);
  return fetch(address, { ...init, headers });
}

/** The same, or an error for every answer that is none. */
export async function fetchWhole(address: string, init: RequestInit = {}): Promise<Response> {
  const reply = await fetchKeyed(address, init);
  if (!reply.ok) throw new Error(`GET ${address} gave ${reply.status}`);
  return reply;
}

/** A picture of the server, which elements alone would ask for without the key. */
export async function fetchPicture(address: string): Promise<HTMLImageElement> {
  const image = new Image();
  if (key === "") {
    image.src = address;
    await image.decode();
    return image;
  }
  const local = URL.createObjectURL(await (await fetchWhole(address)).blob());
  try {
    image.src = local;
    await image.decode();
  } finally {
    URL.revokeObjectURL(local);
  }
  return image;
}
