/** The microphone: permission, packets, level. */

import { RATE } from "../protocol/events";
import type { CapturedPacket } from "./capture.worklet";
import workletUrl from "./capture.worklet.ts?worker&url";

export type MicrophoneProblem = "denied" | "missing" | "busy" | "insecure" | "failed";

export class MicrophoneError extends Error {
  constructor(readonly problem: MicrophoneProblem) {
    super(`microphone: ${problem}`);
  }
}

export interface Packet {
  samples: Int16Array<ArrayBuffer>;
  peak: number;
  /** When its last sample was captured, on the page's clock (ms). */
  capturedAt: number;
}

export class Microphone {
  private constructor(
    private readonly stream: MediaStream,
    private readonly context: AudioContext,
    private readonly ownsContext: boolean,
    private readonly nodes: AudioNode[],
  ) {}

  /** Asks for the microphone and streams it to `take`. Raises MicrophoneError. */
  static async open(
    shared: AudioContext,
    take: (packet: Packet) => void,
    lost: () => void,
  ): Promise<Microphone> {
    const stream = await askForStream();
    stream.getAudioTracks()[0]?.addEventListener("ended", lost);
    let context = shared;
    let source: MediaStreamAudioSourceNode;
    try {
      source = context.createMediaStreamSource(stream);
    } catch {
      // Firefox refuses a context whose rate is not the microphone's: capture at its rate, convert in the worklet.
      context = new AudioContext();
      source = context.createMediaStreamSource(stream);
    }
    await context.audioWorklet.addModule(workletUrl);
    const worklet = new AudioWorkletNode(context, "capture", {
      numberOfOutputs: 0,
      channelCount: 1,
      channelCountMode: "explicit",
    });
    worklet.port.onmessage = ({ data }: MessageEvent<CapturedPacket>) => {
      const age = Math.max(0, context.currentTime - data.until);
      take({ samples: data.samples, peak: data.peak, capturedAt: performance.now() - age * 1000 });
    };
    source.connect(worklet);
    return new Microphone(stream, context, context !== shared, [source, worklet]);
  }

  get track(): MediaStreamTrack | null {
    return this.stream.getAudioTracks()[0] ?? null;
  }

  close(): void {
    for (const track of this.stream.getTracks()) track.stop();
    for (const node of this.nodes) node.disconnect();
    if (this.ownsContext) void this.context.close();
  }
}

async function askForStream(): Promise<MediaStream> {
  if (!navigator.mediaDevices) throw new MicrophoneError("insecure"); // only https and localhost have it
  try {
    return await navigator.mediaDevices.getUserMedia({
      audio: {
        channelCount: 1,
        sampleRate: RATE,
        echoCancellation: true,
        noiseSuppression: true,
        autoGainControl: true,
      },
    });
  } catch (error) {
    throw new MicrophoneError(problemOf(error));
  }
}

export function problemOf(error: unknown): MicrophoneProblem {
  const name = error instanceof Error ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return "denied";
  if (name === "NotFoundError" || name === "OverconstrainedError") return "missing";
  if (name === "NotReadableError" || name === "AbortError") return "busy";
  return "failed";
}
