/** A Vite plugin that stands in for the server: avatars from the package, a session that answers by itself. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import type { Plugin } from "vite";
import { WebSocketServer } from "ws";
import { FakeSession } from "./fake-session.ts";

const LIBRARY = fileURLToPath(new URL("../../src/polytalk/avatar/library", import.meta.url));
const VOICES = [
  { id: "heart", object: "voice", name: "Heart", languages: ["en"], gender: "female" },
  { id: "joe", object: "voice", name: "Joe", languages: ["en"], gender: "male" },
  { id: "xiaoxiao", object: "voice", name: "Xiaoxiao", languages: ["zh"], gender: "female" },
];
/** The policy of the real server: what works here works there. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' ws: wss:; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

type Next = () => void;

function reply(response: ServerResponse, body: string): void {
  response.setHeader("content-type", "application/json");
  response.end(body);
}

function avatars(): Record<string, unknown>[] {
  return readdirSync(LIBRARY)
    .filter((id) => existsSync(`${LIBRARY}/${id}/avatar.json`))
    .map((id) => {
      const { name, voice } = JSON.parse(readFileSync(`${LIBRARY}/${id}/avatar.json`, "utf8"));
      return { id, object: "avatar", kind: "illustrated", name, voice, bundle: `/v1/avatars/${id}/bundle` };
    });
}

function rest(request: IncomingMessage, response: ServerResponse, next: Next): void {
  const path = request.url?.split("?")[0] ?? "";
  const bundle = path.match(/^\/v1\/avatars\/([a-z0-9-]+)\/bundle$/)?.[1];
  if (path === "/v1/avatars") reply(response, JSON.stringify({ object: "list", data: avatars() }));
  else if (path === "/v1/voices") reply(response, JSON.stringify({ object: "list", data: VOICES }));
  else if (bundle) reply(response, readFileSync(`${LIBRARY}/${bundle}/avatar.json`, "utf8"));
  else next();
}

function conversations(server: Server): void {
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => "realtime" });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (!request.url?.startsWith("/v1/realtime")) return;
    sockets.handleUpgrade(request, socket, head, (ws) => {
      const session = new FakeSession(
        (event) => ws.send(JSON.stringify(event)),
        () => ws.terminate(),
      );
      ws.on("message", (data) => session.handle(JSON.parse(String(data))));
      ws.on("close", () => session.close());
    });
  });
}

export function fakeServer(): Plugin {
  return {
    name: "polytalk-fake-server",
    configureServer(server) {
      server.middlewares.use(rest);
      if (server.httpServer) conversations(server.httpServer as Server);
    },
    configurePreviewServer(server) {
      server.middlewares.use((_request, response, next: Next) => {
        response.setHeader("content-security-policy", POLICY);
        next();
      });
      server.middlewares.use(rest);
      conversations(server.httpServer as Server);
    },
  };
}
