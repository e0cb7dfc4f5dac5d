"""Who speaks: which voices teach the net, which set its threshold, and which are kept for the test."""

from enum import StrEnum

from msgspec import Struct

from polytalk.types import Seconds

MINUTE: Seconds = 60.0


class Role(StrEnum):
    """What a voice is for. A voice has one role only."""

    TRAIN = "train"
    CALIBRATE = "calibrate"
    TEST = "test"


class Speaker(Struct, frozen=True):
    """A voice and how long it speaks."""

    engine: str
    voice: str
    """For Kokoro also "a+b": halfway between two voices, a third one."""
    language: str
    role: Role
    seconds: Seconds


_AMERICAN = [
    "af_alloy",
    "af_aoede",
    "af_heart",
    "af_jessica",
    "af_kore",
    "af_nicole",
    "af_river",
    "af_sarah",
    "af_sky",
    "am_adam",
    "am_echo",
    "am_eric",
    "am_fenrir",
    "am_liam",
    "am_onyx",
    "am_santa",
]
_BRITISH = ["bf_alice", "bf_emma", "bf_isabella", "bm_daniel", "bm_george", "bm_lewis"]
_MANDARIN = ["zf_xiaobei", "zf_xiaoxiao", "zm_yunjian", "zm_yunxi"]
_CALIBRATION = (
    ("en", "af_nova"),
    ("en", "am_puck"),
    ("en", "bf_lily"),
    ("en", "bm_fable"),
    ("zh", "zf_xiaoyi"),
    ("zh", "zm_yunxia"),
)
_TEST = (("en", "af_bella"), ("en", "am_michael"), ("zh", "zf_xiaoni"), ("zh", "zm_yunyang"))
_BETWEEN = (
    "af_alloy+am_onyx", "af_sky+bf_emma", "am_adam+bm_george", "af_kore+zm_yunxi", "am_echo+zf_xiaobei",
    "bf_alice+am_santa", "af_nicole+am_liam", "zf_xiaoxiao+bm_lewis", "zm_yunjian+af_sarah", "bm_daniel+af_jessica",
    "am_eric+zm_yunxi", "zf_xiaobei+zf_xiaoxiao", "zm_yunjian+zm_yunxi", "zf_xiaobei+zm_yunjian",
    "bf_isabella+zf_xiaoxiao", "am_fenrir+af_river",
)  # fmt: skip


def speakers(minutes: float, heard: float = 1.0) -> list[Speaker]:
    """All of them. `minutes` is how long Kokoro, the slow one, speaks for the training; the others follow from it.

    `heard` is the share of the usual speech by which the net is calibrated and tested: every voice says one sentence
    at least.

    joe only tests: what his network was tuned from has an unclear licence (THIRD_PARTY.md), so nothing is learnt here.
    """
    english = [*_AMERICAN, *_BRITISH, *_BETWEEN]
    mandarin = [*_MANDARIN, *_MANDARIN, *_BETWEEN]  # the four that were recorded in Mandarin speak twice as long
    each = minutes * MINUTE / (len(english) + len(mandarin))
    kokoro = [("en", voice) for voice in english] + [("zh", voice) for voice in sorted(set(mandarin))]
    train = [
        Speaker("kokoro", v, code, Role.TRAIN, each * (2 if code == "zh" and v in _MANDARIN else 1))
        for code, v in kokoro
    ]
    train.append(Speaker("hibari", "heart", "en", Role.TRAIN, minutes * MINUTE))
    train += [Speaker("flite", voice, "en", Role.TRAIN, 0.8 * minutes * MINUTE) for voice in ("slt", "awb")]
    calibrate = [Speaker("kokoro", voice, code, Role.CALIBRATE, 20.0 * heard) for code, voice in _CALIBRATION]
    test = [Speaker("kokoro", voice, code, Role.TEST, 30.0 * heard) for code, voice in _TEST]
    test += [Speaker("joe", "joe", "en", Role.TEST, 60.0 * heard)]
    test.append(Speaker("flite", "rms", "en", Role.TEST, 60.0 * heard))
    return [*train, *calibrate, *test]
