/** Where the call stands, as a pure function of the events seen. */

import type { ServerEvent } from "../protocol/events";

export type Link = "connecting" | "open" | "lost";
export type Phase = "connecting" | "offline" | "ready" | "listening" | "thinking" | "speaking";

export interface Queue {
  /** 1 is next. */
  position: number;
  waitMs: number;
}

export interface CallState {
  link: Link;
  userSpeaking: boolean;
  /** The user's turn has ended and no answer has begun. */
  awaiting: boolean;
  /** The answer's place in the server's queue, when there is no room for it yet. */
  queue: Queue | null;
  /** The response that the server is working at. */
  active: string | null;
  /** The conversation items of the latest responses. */
  items: Readonly<Record<string, string>>;
}

/** What happens on this side. */
export type LocalEvent =
  | { type: "local.lost" }
  | { type: "local.asked" } // typed text was sent
  | { type: "local.cut" } // the answer was cut off
  | { type: "local.unanswered" } // no answer came in time
  | { type: "local.muted" };

const KEPT_ITEMS = 8;

export const START: CallState = {
  link: "connecting",
  userSpeaking: false,
  awaiting: false,
  queue: null,
  active: null,
  items: {},
};

export function reduce(state: CallState, event: ServerEvent | LocalEvent): CallState {
  switch (event.type) {
    case "session.created":
      return { ...START, link: "open" };
    case "local.lost":
      return { ...START, link: "lost" };
    case "local.asked":
      return { ...state, awaiting: true };
    case "local.cut":
      return { ...state, awaiting: false, queue: null, active: null };
    case "local.unanswered":
      return { ...state, awaiting: false };
    case "local.muted":
      return { ...state, userSpeaking: false };
    case "input_audio_buffer.speech_started":
      return { ...state, userSpeaking: true, awaiting: false };
    case "input_audio_buffer.speech_stopped":
      return { ...state, userSpeaking: false, awaiting: true };
    case "conversation.item.input_audio_transcription.completed":
      return event.transcript.trim() === "" ? { ...state, awaiting: false } : state;
    case "session.capacity.updated":
      return { ...state, queue: queueOf(event) };
    case "response.created":
      return { ...state, awaiting: false, active: event.response.id };
    case "response.output_item.added":
      return { ...state, items: withItem(state.items, event.response_id, event.item.id) };
    case "response.done":
      return state.active === event.response.id ? { ...state, queue: null, active: null } : state;
    default:
      return state;
  }
}

function queueOf(event: { position: number; expected_wait_ms: number }): Queue | null {
  return event.position > 0 ? { position: event.position, waitMs: event.expected_wait_ms } : null;
}

/** Answers are heard in order, so only the latest matter. */
function withItem(items: CallState["items"], response: string, item: string): CallState["items"] {
  return Object.fromEntries([...Object.entries(items).slice(-KEPT_ITEMS), [response, item]]);
}

/** The one word for what the avatar is doing. */
export function phaseOf(state: CallState, now: { speaking: boolean; microphone: boolean }): Phase {
  if (state.link === "lost") return "offline";
  if (state.link === "connecting") return "connecting";
  if (state.userSpeaking) return "listening";
  if (now.speaking) return "speaking";
  if (state.awaiting || state.active !== null) return "thinking";
  return now.microphone ? "listening" : "ready";
}
