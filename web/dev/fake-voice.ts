/** A voice for development: hums a syllable for each syllable of a text, and moves the mouth to it. */

import { MOUTH_RATE, RATE } from "../src/protocol/events.ts";

const SYLLABLE_S = 0.19;
const PAUSE_S = 0.28;
/** First two formants (Hz) and the mouth's jaw, wide, round of a few vowels. */
const VOWELS = [
  { formants: [750, 1250], mouth: [0.8, 0.25, 0] },
  { formants: [500, 1900], mouth: [0.5, 0.6, 0] },
  { formants: [300, 2300], mouth: [0.25, 0.8, 0] },
  { formants: [480, 850], mouth: [0.5, 0, 0.7] },
  { formants: [320, 800], mouth: [0.25, 0, 0.95] },
] as const;

export interface Utterance {
  pcm: Int16Array<ArrayBuffer>;
  frames: number[][];
}

interface Sound {
  vowel: (typeof VOWELS)[number] | null;
  seconds: number;
}

export function speak(text: string): Utterance {
  const sounds = soundsOf(text);
  const total = sounds.reduce((sum, sound) => sum + sound.seconds, 0);
  const pcm = new Int16Array(Math.ceil(total * RATE));
  const frames: number[][] = [];
  let start = 0;
  for (const sound of sounds) {
    hum(pcm, start, sound);
    while (frames.length / MOUTH_RATE < start + sound.seconds) {
      frames.push(mouth(sound, (frames.length / MOUTH_RATE - start) / sound.seconds));
    }
    start += sound.seconds;
  }
  return { pcm, frames };
}

function soundsOf(text: string): Sound[] {
  const pieces = text.match(/[aeiouy]+|[\u4e00-\u9fff]|[.,!?;。，！？]/gi) ?? ["a"];
  return pieces.map((piece) => {
    if (/[.,!?;。，！？]/.test(piece)) return { vowel: null, seconds: PAUSE_S };
    return { vowel: VOWELS[piece.charCodeAt(0) % VOWELS.length] ?? null, seconds: SYLLABLE_S };
  });
}

/** Opens and closes once. */
function envelope(part: number): number {
  return Math.sin(Math.PI * Math.min(1, Math.max(0, part))) ** 0.7;
}

function mouth({ vowel }: Sound, part: number): number[] {
  if (!vowel) return [0, 0, 0, 0.1, 0, 0, 0, 0, 0];
  const open = envelope(part);
  const [jaw, wide, round] = vowel.mouth;
  return [
    jaw * open,
    wide * open,
    round * open,
    part < 0.12 ? 0.8 : 0,
    0.3 * open,
    0.4 * open,
    0.5 * open,
    0.1,
    0,
  ];
}

function hum(pcm: Int16Array, start: number, { vowel, seconds }: Sound): void {
  if (!vowel) return;
  const first = Math.round(start * RATE);
  const count = Math.round(seconds * RATE);
  for (let i = 0; i < count && first + i < pcm.length; i++) {
    const time = (first + i) / RATE;
    const pitch = 165 + 12 * Math.sin(2 * Math.PI * 0.7 * time);
    let sample = 0;
    for (let harmonic = 1; harmonic <= 16; harmonic++) {
      const hz = pitch * harmonic;
      const gain = vowel.formants.reduce<number>((sum, f) => sum + 1 / (1 + ((hz - f) / 90) ** 2), 0.02);
      sample += (gain / harmonic ** 0.4) * Math.sin(2 * Math.PI * 165 * harmonic * time);
    }
    pcm[first + i] = sample * 5000 * envelope(i / count);
  }
}
