/** The events of the Realtime protocol that this page understands, and the ones it sends. */

import type { Playable } from "../media/codecs";

export interface Item {
  id: string;
  role?: string;
}

export interface SessionInfo {
  avatar?: { media?: { url: string; token: string } };
}

export type ResponseStatus = "completed" | "cancelled" | "failed" | "incomplete";

export interface ResponseInfo {
  id: string;
  status?: ResponseStatus;
  status_details?: { type?: string; reason?: string; error?: { code?: string; message?: string } } | null;
}

export interface ProtocolError {
  type?: string;
  code?: string | null;
  message: string;
  param?: string | null;
  event_id?: string | null;
}

export type ServerEvent = { event_id: string } & (
  | { type: "session.created"; session: SessionInfo }
  | { type: "session.updated"; session: SessionInfo }
  | { type: "input_audio_buffer.speech_started"; item_id: string; audio_start_ms: number }
  | { type: "input_audio_buffer.speech_stopped"; item_id: string; audio_end_ms: number }
  | { type: "input_audio_buffer.committed"; item_id: string }
  | { type: "conversation.item.input_audio_transcription.delta"; item_id: string; delta: string }
  | { type: "conversation.item.input_audio_transcription.completed"; item_id: string; transcript: string }
  | { type: "conversation.item.input_audio_transcription.failed"; item_id: string }
  | {
      type: "session.capacity.updated";
      position: number;
      expected_wait_ms: number;
      face: boolean;
      fps?: number;
    }
  | { type: "response.created"; response: ResponseInfo }
  | { type: "response.output_item.added"; response_id: string; item: Item }
  | { type: "response.output_audio_transcript.delta"; response_id: string; item_id: string; delta: string }
  | { type: "response.audio_timestamp.delta"; item_id: string; audio_offset_ms: number }
  | { type: "response.output_audio.delta"; response_id: string; item_id: string; delta: string }
  | { type: "response.output_audio.done"; response_id: string; item_id: string }
  | {
      type: "response.animation_blendshapes.delta";
      response_id: string;
      item_id: string;
      frame_index: number;
      frames: number[][];
    }
  | { type: "response.done"; response: ResponseInfo }
  | { type: "output_audio_buffer.started"; response_id: string }
  | { type: "output_audio_buffer.stopped"; response_id: string }
  | { type: "output_audio_buffer.cleared"; response_id: string }
  | { type: "error"; error: ProtocolError }
);

export type ClientEvent =
  | { type: "session.update"; session: SessionSettings }
  | { type: "input_audio_buffer.append"; audio: string }
  | { type: "conversation.item.create"; item: UserMessage }
  | { type: "conversation.item.truncate"; item_id: string; content_index: 0; audio_end_ms: number }
  | { type: "response.create" }
  | { type: "response.cancel" }
  | { type: "output_audio_buffer.clear" };

export interface UserMessage {
  id: string;
  type: "message";
  role: "user";
  content: [{ type: "input_text"; text: string }];
}

export interface SessionSettings {
  type: "realtime";
  audio: {
    input: {
      format: PcmFormat;
      turn_detection: {
        type: "server_vad";
        threshold: number;
        prefix_padding_ms: number;
        silence_duration_ms: number;
        create_response: boolean;
        interrupt_response: boolean;
      };
      transcription: { model: string };
    };
    output: { format: PcmFormat; voice: string };
  };
  avatar: { character: string; output_protocol?: "media"; video?: Playable };
}

interface PcmFormat {
  type: "audio/pcm";
  rate: number;
}

/** Samples a second of protocol audio, both ways (PCM16 mono). */
export const RATE = 24_000;
/** Mouth frames a second: frame i shows the mouth at i / 50 s of its response's audio. */
export const MOUTH_RATE = 50;

/** How long a silence ends the user's turn. */
export const SILENCE_MS = 300;

/** `films`: answers are to come as films that can be played here, drawn by the server. */
export function sessionSettings(
  avatar: string,
  voice: string,
  films: Playable | null = null,
): SessionSettings {
  const format: PcmFormat = { type: "audio/pcm", rate: RATE };
  return {
    type: "realtime",
    audio: {
      input: {
        format,
        turn_detection: {
          type: "server_vad",
          threshold: 0.5,
          prefix_padding_ms: 300,
          silence_duration_ms: SILENCE_MS,
          create_response: true,
          interrupt_response: true,
        },
        transcription: { model: "whisper-1" },
      },
      output: { format, voice },
    },
    avatar: films ? { character: avatar, output_protocol: "media", video: films } : { character: avatar },
  };
}

/** Reads one text frame. Gives null for anything that is not an event object: unknown frames are ignored. */
export function parseEvent(data: unknown): ServerEvent | null {
  if (typeof data !== "string") return null;
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    return null;
  }
  const typed =
    typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
  return typed ? (value as ServerEvent) : null;
}
