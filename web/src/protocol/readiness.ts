/** Why a connection may have been refused: a browser hides the answer to a handshake, so the server is asked. */

export type Obstacle = "unreachable" | "starting" | "refused";

export async function obstacle(): Promise<Obstacle> {
  try {
    const reply = await fetch("/readyz", { cache: "no-store" });
    if (reply.ok) return "refused";
    return reply.status === 503 ? "starting" : "unreachable";
  } catch {
    return "unreachable";
  }
}
