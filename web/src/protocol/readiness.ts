/** Why a connection may have been refused: a browser hides the answer to a handshake, so the server is asked. */

import { fetchKeyed } from "./key";

export type Obstacle = "unreachable" | "starting" | "refused" | "locked";

export async function obstacle(): Promise<Obstacle> {
  try {
    const reply = await fetch("/readyz", { cache: "no-store" });
    if (reply.ok) return (await fetchKeyed("/v1/voices")).status === 401 ? "locked" : "refused";
    return reply.status === 503 ? "starting" : "unreachable";
  } catch {
    return "unreachable";
  }
}
