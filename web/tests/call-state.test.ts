import { describe, expect, it } from "vitest";
import { type CallState, type LocalEvent, phaseOf, reduce, START } from "../src/model/call-state";
import { parseEvent, type ServerEvent } from "../src/protocol/events";

type Given =
  | (ServerEvent extends infer E ? (E extends ServerEvent ? Omit<E, "event_id"> : never) : never)
  | LocalEvent;

function seen(...events: Given[]): CallState {
  return events.reduce<CallState>(
    (state, event) => reduce(state, { event_id: "e", ...event } as ServerEvent),
    START,
  );
}

const created: Given = { type: "session.created", session: {} };
const started: Given = { type: "input_audio_buffer.speech_started", item_id: "u", audio_start_ms: 0 };
const stopped: Given = { type: "input_audio_buffer.speech_stopped", item_id: "u", audio_end_ms: 900 };
const answer: Given = { type: "response.created", response: { id: "r" } };
const done: Given = { type: "response.done", response: { id: "r", status: "completed" } };
const transcript = (text: string): Given => ({
  type: "conversation.item.input_audio_transcription.completed",
  item_id: "u",
  transcript: text,
});
const phase = (state: CallState, speaking = false, microphone = true) =>
  phaseOf(state, { speaking, microphone });

describe("a queue for want of room", () => {
  const at = (position: number): Given => ({
    type: "session.capacity.updated",
    position,
    expected_wait_ms: 2000 * position,
    face: true,
  });

  it("is known from the first word of it to the answer's turn", () => {
    expect(seen(created, started, stopped, at(2)).queue).toEqual({ position: 2, waitMs: 4000 });
    expect(seen(created, started, stopped, at(2), at(1)).queue?.position).toBe(1);
    expect(seen(created, started, stopped, at(1), at(0)).queue).toBe(null);
  });

  it("is left by cutting in, and by an answer that ends in it", () => {
    expect(seen(created, answer, at(3), { type: "local.cut" }).queue).toBe(null);
    expect(seen(created, answer, at(3), done).queue).toBe(null);
  });
});

describe("the phase of a call", () => {
  it("is connecting until the session is there", () => {
    expect(phase(START)).toBe("connecting");
    expect(phase(seen(created), false, false)).toBe("ready");
  });

  it("is listening whenever the microphone is open and nothing else goes on", () => {
    expect(phase(seen(created))).toBe("listening");
  });

  it("goes through a spoken turn", () => {
    expect(phase(seen(created, started))).toBe("listening");
    expect(phase(seen(created, started, stopped))).toBe("thinking");
    expect(phase(seen(created, started, stopped, answer))).toBe("thinking");
    expect(phase(seen(created, started, stopped, answer), true)).toBe("speaking");
    expect(phase(seen(created, started, stopped, answer, done), true)).toBe("speaking");
    expect(phase(seen(created, started, stopped, answer, done))).toBe("listening");
  });

  it("listens at once when the user interrupts, whatever still comes of the answer", () => {
    expect(phase(seen(created, answer, { type: "local.cut" }, started), true)).toBe("listening");
    expect(seen(created, answer, { type: "local.cut" }, started).active).toBe(null);
  });

  it("stops thinking when nothing was said, or no answer comes", () => {
    expect(phase(seen(created, started, stopped, transcript(" ")))).toBe("listening");
    expect(phase(seen(created, started, stopped, { type: "local.unanswered" }))).toBe("listening");
    expect(phase(seen(created, started, stopped, transcript("Hi")))).toBe("thinking");
  });

  it("is offline when the connection is lost, and everything of it forgotten", () => {
    const state = seen(created, answer, { type: "local.lost" });
    expect(phase(state, true)).toBe("offline");
    expect(state.active).toBe(null);
  });
});

describe("the state", () => {
  it("knows the item of each response", () => {
    const added: Given = { type: "response.output_item.added", response_id: "r", item: { id: "a" } };
    expect(seen(created, answer, added).items).toEqual({ r: "a" });
  });

  it("keeps a newer response when an older one is done", () => {
    const newer: Given = { type: "response.created", response: { id: "r2" } };
    expect(seen(created, answer, newer, done).active).toBe("r2");
  });

  it("is not moved by events that it does not know", () => {
    const state = seen(created);
    expect(reduce(state, { type: "rate_limits.updated", event_id: "e" } as unknown as ServerEvent)).toBe(
      state,
    );
  });
});

describe("a frame", () => {
  it("is an event when it is an object with a type", () => {
    expect(parseEvent('{"type":"session.created","event_id":"e"}')?.type).toBe("session.created");
  });

  it.each(["nonsense", "[1]", "null", "{}", new ArrayBuffer(4)])("is nothing otherwise: %s", (data) => {
    expect(parseEvent(data)).toBe(null);
  });
});
