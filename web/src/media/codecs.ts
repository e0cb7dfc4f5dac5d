/** Which films this browser plays, in the protocol's words. */

const PICTURES: Record<string, string> = { h264: "avc1.42c01e", vp9: "vp09.00.30.08" };
const SOUND: Record<string, string> = { opus: "opus", aac: "mp4a.40.2" };

export interface Playable {
  codec: string[];
  audio_codec: string[];
}

/** Of pictures those that play with some sound, and of sound what plays with all of these. */
export function playable(plays: (mime: string) => boolean): Playable {
  const fits = (codec: string, audio: string) =>
    plays(`video/mp4; codecs="${PICTURES[codec]},${SOUND[audio]}"`);
  const codec = Object.keys(PICTURES).filter((one) => Object.keys(SOUND).some((audio) => fits(one, audio)));
  const audio_codec = Object.keys(SOUND).filter((audio) => codec.every((one) => fits(one, audio)));
  return { codec, audio_codec };
}
