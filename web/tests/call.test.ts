import { beforeEach, describe, expect, it } from "vitest";
import type { Cut } from "../src/audio/playback";
import { Timeline } from "../src/audio/timeline";
import { MouthTrack } from "../src/face/mouth";
import { Call } from "../src/model/call";
import type { Loudspeaker } from "../src/model/ports";
import { type ClientEvent, type ProtocolError, RATE, type ServerEvent } from "../src/protocol/events";

/** A loudspeaker on virtual time: the real timeline, no sound. */
class SilentLoudspeaker implements Loudspeaker {
  private readonly timeline = new Timeline(RATE, 0.08, 0.01);
  now = 0;

  push = (stream: string, samples: Float32Array<ArrayBuffer>) =>
    void this.timeline.push(stream, samples, this.now);
  end = (stream: string) => void this.timeline.end(stream, this.now);
  position = () => this.timeline.at(this.now);
  heardMs = (stream: string) => this.timeline.heardMs(stream, this.now);
  receivedMs = (stream: string) => this.timeline.receivedMs(stream);
  finished = (stream: string) => this.timeline.finished(stream, this.now);
  forget = (stream: string) => this.timeline.forget(stream);

  firstHeardAt(stream: string): number | null {
    const begins = this.timeline.begins(stream);
    return begins === null ? null : begins * 1000;
  }

  flush(): Cut[] {
    const cuts = this.timeline
      .open(this.now)
      .map((stream) => ({ stream, playedMs: this.timeline.heardMs(stream, this.now) }));
    this.timeline.flush();
    return cuts;
  }
}

let speaker: SilentLoudspeaker;
let mouth: MouthTrack;
let sent: ClientEvent[];
let failures: ProtocolError[];
let call: Call;
const streams = false;

const at = (seconds: number) => {
  speaker.now = seconds;
  call.tick();
};
const serve = (...events: Record<string, unknown>[]) => {
  for (const event of events) call.handle({ event_id: "e", ...event } as unknown as ServerEvent);
};
const types = () => sent.map(({ type }) => type);
/** `ms` of audio, as the wire carries it. */
const audio = (ms: number) => btoa("\0\0".repeat((ms * RATE) / 1000));

const ids = { response_id: "r1", item_id: "a1", output_index: 0, content_index: 0 };
const begin = [
  { type: "response.created", response: { id: "r1" } },
  { type: "response.output_item.added", response_id: "r1", item: { id: "a1" } },
  { type: "response.output_audio_transcript.delta", ...ids, delta: "One two three four five six." },
];
const sound = (ms: number) => ({ type: "response.output_audio.delta", ...ids, delta: audio(ms) });
const done = { type: "response.done", response: { id: "r1", status: "completed" } };
const bargeIn = { type: "input_audio_buffer.speech_started", item_id: "u2", audio_start_ms: 100 };

beforeEach(() => {
  speaker = new SilentLoudspeaker();
  mouth = new MouthTrack();
  sent = [];
  failures = [];
  let count = 0;
  call = new Call({
    media: () => undefined,
    streams: () => streams,
    send: (event) => {
      sent.push(event);
      return true;
    },
    loudspeaker: () => speaker,
    mouth,
    now: () => speaker.now * 1000,
    newId: () => `msg_${++count}`,
    failed: (error) => failures.push(error),
  });
  call.choose("mira", "heart");
  serve({ type: "session.created", session: {} });
});

describe("a new session", () => {
  it("is given avatar and voice", () => {
    expect(sent).toMatchObject([
      { session: { type: "realtime", audio: { output: { voice: "heart" } }, avatar: { character: "mira" } } },
    ]);
  });

  it("is changed when another avatar or voice is chosen", () => {
    call.choose("theo", "joe");
    expect(sent.at(-1)).toMatchObject({
      session: { audio: { output: { voice: "joe" } }, avatar: { character: "theo" } },
    });
  });
});

describe("an answer", () => {
  it("is heard, captioned and finished", () => {
    serve(...begin, sound(2000), { type: "response.output_audio.done", ...ids }, done);
    at(0.005);
    expect(call.speaking).toBe(false);
    at(1.01);
    expect(call.speaking).toBe(true);
    expect(call.playedMs).toBeCloseTo(1000);
    expect(call.captions.lines[0]).toMatchObject({ state: "partial" });
    at(2.1);
    expect(call.speaking).toBe(false);
    expect(call.interruptible).toBe(false);
    expect(call.captions.lines[0]).toMatchObject({ state: "final", text: "One two three four five six." });
  });

  it("that fails is told to the user", () => {
    const status_details = { type: "failed", error: { code: "worker_lost", message: "The voice stopped." } };
    serve(...begin, { type: "response.done", response: { id: "r1", status: "failed", status_details } });
    expect(failures).toEqual([{ code: "worker_lost", message: "The voice stopped." }]);
    expect(call.captions.lines).toEqual([]);
  });
});

describe("when the user speaks into an answer", () => {
  it("stops at once and tells the server what was heard", () => {
    serve(...begin, sound(2000));
    at(0.51);
    sent = [];
    serve(bargeIn);
    expect(sent).toEqual([
      { type: "conversation.item.truncate", item_id: "a1", content_index: 0, audio_end_ms: 500 },
    ]);
    expect(call.speaking).toBe(false);
    expect(call.phase(true)).toBe("listening");
    expect(call.captions.lines[0]?.state).toBe("interrupted");
  });

  it("throws away what still comes of it", () => {
    serve(...begin, sound(2000));
    at(0.5);
    serve(bargeIn, sound(500), {
      type: "response.animation_blendshapes.delta",
      ...ids,
      frame_index: 0,
      frames: [[1]],
    });
    expect(call.interruptible).toBe(false);
    expect(mouth.read("r1", 0, new Float64Array(9))).toBe(false);
  });

  it("truncates an answer that the server has sent whole but the user has not heard to its end", () => {
    serve(...begin, sound(2000), { type: "response.output_audio.done", ...ids }, done);
    at(1.01);
    sent = [];
    serve(bargeIn);
    expect(sent).toMatchObject([{ type: "conversation.item.truncate", audio_end_ms: 1000 }]);
  });

  it("truncates nothing when the answer has been heard", () => {
    serve(...begin, sound(200), { type: "response.output_audio.done", ...ids }, done);
    at(0.5);
    sent = [];
    serve(bargeIn);
    expect(sent).toEqual([]);
  });
});

describe("the interrupt button", () => {
  it("cancels, then truncates", () => {
    serve(...begin, sound(2000));
    at(0.51);
    sent = [];
    call.interrupt();
    expect(types()).toEqual(["response.cancel", "conversation.item.truncate"]);
  });

  it("cancels an answer of which nothing was heard, and truncates nothing", () => {
    serve(...begin);
    sent = [];
    call.interrupt();
    expect(types()).toEqual(["response.cancel"]);
    expect(call.phase(false)).toBe("ready");
  });

  it("does not cancel what the server has finished", () => {
    serve(...begin, sound(2000), done);
    at(0.5);
    sent = [];
    call.interrupt();
    expect(types()).toEqual(["conversation.item.truncate"]);
  });
});

describe("typed text", () => {
  it("is asked at once, and shown", () => {
    sent = [];
    call.say("Hi");
    expect(types()).toEqual(["conversation.item.create", "response.create"]);
    expect(call.captions.lines).toMatchObject([{ speaker: "user", text: "Hi" }]);
    expect(call.phase(false)).toBe("thinking");
  });

  it("cuts off a running answer first", () => {
    serve(...begin, sound(2000));
    at(0.5);
    sent = [];
    call.say("Wait");
    expect(types()).toEqual([
      "response.cancel",
      "conversation.item.truncate",
      "conversation.item.create",
      "response.create",
    ]);
  });

  it("waits for the connection", () => {
    call.lost();
    sent = [];
    call.say("Hi");
    expect(sent).toEqual([]);
    serve({ type: "session.created", session: {} });
    expect(types()).toEqual(["session.update", "conversation.item.create", "response.create"]);
    expect(call.captions.lines.length).toBe(1);
  });

  it("gives up thinking when no answer comes", () => {
    call.say("Hi");
    at(60);
    expect(call.phase(false)).toBe("ready");
  });
});

describe("the latency", () => {
  it("of a typed turn runs from the send to the first sample heard", () => {
    at(10);
    call.say("Hi");
    speaker.now = 10.4;
    serve(...begin, sound(500));
    at(10.45);
    expect(call.latency.last).toBeCloseTo(0.41);
  });

  it("of a spoken turn runs from the capture of its last sample", () => {
    call.microphone(new Int16Array(RATE), 5000); // captured until 5.0 s
    serve(bargeIn, { type: "input_audio_buffer.speech_stopped", item_id: "u2", audio_end_ms: 700 }); // at 4.7 s
    speaker.now = 5.2;
    serve(...begin, sound(500));
    at(5.3);
    expect(call.latency.last).toBeCloseTo(0.51);
  });
});

describe("errors", () => {
  it("that only say that events crossed are not shown", () => {
    serve({ type: "error", error: { code: "response_cancel_not_active", message: "Cancellation failed" } });
    expect(failures).toEqual([]);
    serve({ type: "error", error: { code: "bad", message: "Bad" } });
    expect(failures.length).toBe(1);
  });
});

describe("muting", () => {
  it("in the middle of a turn sends the silence that ends it", () => {
    serve(bargeIn);
    sent = [];
    call.muted();
    expect(types()).toEqual(["input_audio_buffer.append"]);
    expect(call.phase(false)).toBe("ready");
  });

  it("between turns sends nothing", () => {
    sent = [];
    call.muted();
    expect(sent).toEqual([]);
  });
});
