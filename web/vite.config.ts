import { defineConfig } from "vitest/config";
import { fakeServer } from "./dev/fake-server.ts";

/** Set POLYTALK_URL (e.g. http://127.0.0.1:8080) to develop against a real server instead of the fake one. */
const server = process.env.POLYTALK_URL;
const proxy = server ? { "/v1": { target: server, ws: true } } : {};

export default defineConfig({
  base: "./",
  plugins: server ? [] : [fakeServer()],
  server: { proxy },
  preview: { proxy },
  worker: { format: "es" },
  build: {
    outDir: process.env.OUT_DIR ?? "../src/polytalk/gateway/static",
    emptyOutDir: true,
    target: "es2023",
    sourcemap: false,
    assetsInlineLimit: 0, // a strict Content-Security-Policy allows no data: scripts
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
  test: { include: ["tests/**/*.test.ts"] },
});
