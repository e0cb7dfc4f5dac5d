"""Fragmented MP4 (ISO/IEC 14496-12), read and written: boxes, each its length, its kind, and what is in it. Pure."""

import struct
from collections.abc import Iterator, Sequence

from msgspec import Struct

from polytalk.errors import BadInput

HEADER = 8
CONTAINERS = frozenset({"moov", "trak", "mdia", "minf", "stbl", "moof", "traf"})
SAMPLE_ENTRY = {"avc1": 78, "vp09": 78, "Opus": 28, "mp4a": 28}
"""Bytes of a sample entry before the boxes in it: 14496-12, 12.1.3 for pictures and 12.2.3 for sound."""
KEY, NO_KEY = 0x02000000, 0x01010000
"""Flags of a sample: depends on no other; depends on others, and is no place to begin."""


class Box(Struct, frozen=True):
    """A box, and where it lies."""

    kind: str
    start: int
    end: int

    def body(self, data: bytes) -> bytes:
        """What is in it."""
        return data[self.start + HEADER : self.end]


class Sample(Struct, frozen=True):
    """A picture, or some sound, of a fragment. Times are in units of its track."""

    track: int
    start: int
    lasts: int
    data: bytes
    key: bool = True
    """Whether a decoder may begin with it."""


def boxes(data: bytes | bytearray, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """The whole boxes between two places; one that is not all there ends it. Raises BadInput for what is no box."""
    end = len(data) if end is None else end
    while start + HEADER <= end:
        size = int.from_bytes(data[start : start + 4], "big")
        if size < HEADER:
            raise BadInput(f"at byte {start} there is no box: it would have {size} bytes")
        if start + size > end:
            return
        yield Box(bytes(data[start + 4 : start + HEADER]).decode("latin-1"), start, start + size)
        start += size


def find(data: bytes, *path: str) -> Iterator[Box]:
    """Every box at the end of a path, such as moov, trak, mdia."""
    found = list(boxes(data))
    for depth, kind in enumerate(path):
        found = [box for box in found if box.kind == kind]
        if depth < len(path) - 1:
            found = [inner for box in found for inner in boxes(data, box.start + HEADER, box.end)]
    yield from found


def mime(init: bytes) -> str:
    """The media type of an init segment, with its codecs as RFC 6381 writes them. Raises BadInput."""
    names = []
    for box in find(init, "moov", "trak", "mdia", "minf", "stbl", "stsd"):
        (entry,) = boxes(init, box.start + HEADER + 8, box.end)
        if entry.kind not in SAMPLE_ENTRY:
            raise BadInput(f"a track has the codec {entry.kind!r}, which this does not name")
        inside = {
            inner.kind: inner.body(init)
            for inner in boxes(init, entry.start + HEADER + SAMPLE_ENTRY[entry.kind], entry.end)
        }
        names.append(_codec(entry.kind, inside))
    if not names:
        raise BadInput("this is no init segment: it has no tracks")
    return f'video/mp4; codecs="{",".join(names)}"'


def declared_at_48k(init: bytes) -> bytes:
    """An init segment whose Opus says that it was made of 48 kHz, whatever it was made of.

    The box says so for information only (Opus in ISO base media, 4.3.2), but Chromium plays none that says otherwise.
    """
    fixed = bytearray(init)
    for entries in find(init, "moov", "trak", "mdia", "minf", "stbl", "stsd"):
        for entry in boxes(init, entries.start + HEADER + 8, entries.end):
            if entry.kind == "Opus":
                for inner in boxes(init, entry.start + HEADER + SAMPLE_ENTRY["Opus"], entry.end):
                    if inner.kind == "dOps":
                        struct.pack_into(">I", fixed, inner.start + HEADER + 4, 48_000)
    return bytes(fixed)


def _codec(kind: str, inside: dict[str, bytes]) -> str:
    match kind:
        case "avc1":  # profile, constraints, level: the bytes after the version of avcC (14496-15)
            return f"avc1.{inside['avcC'][1:4].hex()}"
        case "vp09":  # profile, level, depth: the bytes after version and flags of vpcC
            profile, level, depth = inside["vpcC"][4], inside["vpcC"][5], inside["vpcC"][6] >> 4
            return f"vp09.{profile:02}.{level:02}.{depth:02}"
        case "Opus":
            return "opus"
        case _:
            return "mp4a.40.2"  # AAC-LC


def fragment(number: int, parts: Sequence[Sample]) -> bytes:
    """A moof and its mdat; of each track, samples without a gap. `number` counts the fragments of a film from 1."""
    tracks: dict[int, list[Sample]] = {}
    for part in parts:
        tracks.setdefault(part.track, []).append(part)
    size = HEADER + len(_mfhd(number)) + sum(len(_traf(run, 0)) for run in tracks.values())
    at, trafs = size + HEADER, []
    for run in tracks.values():
        trafs.append(_traf(run, at))
        at += sum(len(part.data) for part in run)
    data = b"".join(part.data for run in tracks.values() for part in run)
    return box("moof", _mfhd(number), *trafs) + box("mdat", data)


def box(kind: str, *inside: bytes) -> bytes:
    """One box."""
    body = b"".join(inside)
    return (HEADER + len(body)).to_bytes(4, "big") + kind.encode() + body


def _mfhd(number: int) -> bytes:
    return box("mfhd", struct.pack(">II", 0, number))


def _traf(run: Sequence[Sample], at: int) -> bytes:
    """A track's samples, whose data begin `at` bytes after the moof's first (14496-12, 8.8.7, 8.8.8 and 8.8.12)."""
    rows = [struct.pack(">III", part.lasts, len(part.data), KEY if part.key else NO_KEY) for part in run]
    return box(
        "traf",
        box("tfhd", struct.pack(">II", 0x020000, run[0].track)),  # offsets are from the moof
        box("tfdt", struct.pack(">IQ", 1 << 24, run[0].start)),
        box("trun", struct.pack(">IIi", 0x000701, len(run), at), *rows),  # offset; duration, size, flags of each
    )


def samples(fragments: bytes) -> list[Sample]:
    """What was given to `fragment`, of some fragments one after another."""
    found = []
    for moof in find(fragments, "moof"):
        for traf in boxes(fragments, moof.start + HEADER, moof.end):
            if traf.kind != "traf":
                continue
            inner = {one.kind: one.body(fragments) for one in boxes(fragments, traf.start + HEADER, traf.end)}
            track, start = struct.unpack(">I", inner["tfhd"][4:8])[0], struct.unpack(">Q", inner["tfdt"][4:12])[0]
            at = moof.start + struct.unpack(">i", inner["trun"][8:12])[0]
            for lasts, size, flags in struct.iter_unpack(">III", inner["trun"][12:]):
                found.append(Sample(track, start, lasts, fragments[at : at + size], flags == KEY))
                start, at = start + lasts, at + size
    return found


def length_prefixed(stream: bytes) -> bytes:
    """H.264 as MP4 has it, a length before each unit, from a stream with start codes (14496-10, annex B)."""
    units = [unit.rstrip(b"\0") for unit in stream.split(b"\0\0\1")[1:]]
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in units)


def timescales(init: bytes) -> dict[int, int]:
    """Track -> its units a second."""
    tracks = [int.from_bytes(_versioned(box.body(init), 12, 20), "big") for box in find(init, "moov", "trak", "tkhd")]
    scales = [
        int.from_bytes(_versioned(box.body(init), 12, 20), "big") for box in find(init, "moov", "trak", "mdia", "mdhd")
    ]
    return dict(zip(tracks, scales, strict=True))


def _versioned(body: bytes, at: int, wide: int) -> bytes:
    """Four bytes of a box whose times have 32 bits, or, in version 1, 64."""
    place = wide if body[0] == 1 else at
    return body[place : place + 4]
