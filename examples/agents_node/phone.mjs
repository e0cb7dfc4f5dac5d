// A telephone made of files, as phone.py is: recordings are what the user says, and what would be heard is written into one.
import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const RATE = 24000;
const TICK_MS = 20;
const FRAME = (RATE * 2 * TICK_MS) / 1000; // bytes
const PATIENCE_MS = 60_000; // after which nobody waits for an answer any more
const QUIET_MS = 2000; // after which an answer is at its end

/** The samples of a WAV file with a plain header: PCM16, mono, 24,000 a second. */
function read(path) {
  const file = readFileSync(path);
  if (file.readUInt16LE(22) !== 1 || file.readUInt32LE(24) !== RATE || file.readUInt16LE(34) !== 16) {
    throw new Error(`${path} must have 16-bit samples, mono, ${RATE} a second`);
  }
  return file.subarray(44);
}

export class Phone {
  #toSay;
  #out;
  #waiting = Buffer.alloc(0);
  #answer = 0;
  #answers = 0;
  #track = [];

  constructor(recordings, out) {
    this.#toSay = recordings.map(read);
    this.#out = out;
  }

  get plays() {
    return this.#waiting.length > 0;
  }

  /** What comes from now on is another answer. */
  begin() {
    this.#answer = 0;
    this.#answers += 1;
  }

  play(pcm) {
    this.#waiting = Buffer.concat([this.#waiting, Buffer.from(pcm)]);
  }

  /** Be silent at once; gives how many milliseconds of the answer were heard. */
  drop() {
    this.#waiting = Buffer.alloc(0);
    return Math.floor((this.#answer * 1000) / (RATE * 2));
  }

  /** What the user's microphone takes, 20 ms at a time, until the last answer was heard. */
  async *microphone() {
    const began = performance.now();
    let saying = Buffer.concat([Buffer.alloc(FRAME * 10), this.#toSay.shift()]);
    let before = 0;
    let answered = false;
    for (let tick = 1, quiet = 0; tick * TICK_MS < PATIENCE_MS && !(answered && quiet > QUIET_MS); tick++) {
      const frame = Buffer.alloc(FRAME);
      saying.copy(frame, 0, 0, FRAME);
      yield frame;
      saying = saying.subarray(FRAME);
      const sound = this.#listen();
      quiet = sound || saying.length ? 0 : quiet + TICK_MS;
      if (!saying.length && this.#toSay.length && sound && this.#answer >= 1.5 * RATE * 2) {
        saying = this.#toSay.shift();
        before = this.#answers;
      }
      answered ||= sound && !this.#toSay.length && this.#answers > before;
      await sleep(Math.max(0, began + tick * TICK_MS - performance.now()));
    }
    this.#save();
    if (!answered) throw new Error("no answer");
  }

  #listen() {
    const piece = this.#waiting.subarray(0, FRAME);
    this.#waiting = this.#waiting.subarray(FRAME);
    this.#answer += piece.length;
    this.#track.push(piece, Buffer.alloc(FRAME - piece.length));
    return piece.length > 0;
  }

  #save() {
    const sound = Buffer.concat(this.#track);
    const header = Buffer.alloc(44);
    header.write("RIFF");
    header.writeUInt32LE(36 + sound.length, 4);
    header.write("WAVEfmt ", 8);
    header.writeUInt32LE(16, 16);
    header.writeUInt16LE(1, 20); // PCM
    header.writeUInt16LE(1, 22);
    header.writeUInt32LE(RATE, 24);
    header.writeUInt32LE(RATE * 2, 28);
    header.writeUInt16LE(2, 32);
    header.writeUInt16LE(16, 34);
    header.write("data", 36);
    header.writeUInt32LE(sound.length, 40);
    writeFileSync(this.#out, Buffer.concat([header, sound]));
  }
}
