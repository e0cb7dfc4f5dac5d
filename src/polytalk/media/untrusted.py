"""Opening media files that strangers sent.

FFmpeg guesses formats, and some of them are playlists that name further files and addresses: opened carelessly, an
uploaded "sound" reads the server's own files or calls its neighbours (server-side request forgery). So only
self-contained formats are allowed, and FFmpeg sees the data alone, never a name that it could take for a protocol.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

import av
from av.container import InputContainer

from polytalk.errors import BadInput

FORMATS: Final = ("wav", "w64", "aiff", "mp3", "aac", "flac", "ogg", "mov", "matroska", "gif")
"""FFmpeg's names; mov is also mp4 and m4a, matroska is also webm, ogg is also opus."""
SOUND: Final = (
    *sorted(name for name in av.codecs_available if name.startswith("pcm_")),
    *("aac", "aac_latm", "adpcm_ima_wav", "adpcm_ms", "alac", "flac", "gsm_ms", "mp2", "mp2float", "mp3", "mp3float"),
    *("opus", "libopus", "vorbis", "libvorbis", "wavpack"),
)
"""FFmpeg's decoders of what people record. It has a hundred more, of games and dead players."""
_OPTIONS: Final = {"format_whitelist": ",".join(FORMATS), "codec_whitelist": ",".join(SOUND)}


def opened(source: Path | bytes) -> BinaryIO:
    """The file, or the bytes as a file. Raises BadInput if it can't be read."""
    if isinstance(source, bytes):
        return io.BytesIO(source)
    try:
        return source.open("rb")
    except OSError as error:
        raise BadInput(f"can't read {source}: {error.strerror}") from error


@contextmanager
def open_untrusted(file: BinaryIO) -> Iterator[InputContainer]:
    """The media container in a seekable file, which is left open.

    Raises BadInput, also for what FFmpeg raises inside the `with` block.
    """
    file.seek(0)
    head = file.read(12)
    file.seek(0)
    try:
        with av.open(file, "r", options=_OPTIONS, metadata_errors="replace") as container:
            yield container
    except (av.FFmpegError, IndexError) as error:  # IndexError: PyAV, of a file without streams
        raise BadInput(_explanation(head)) from error


def _explanation(head: bytes) -> str:
    if not head:
        return "the file is empty"
    if head[4:8] == b"ftyp":
        return "the MP4 or M4A file has no index, or a broken one; it was cut off, so send it again from the original"
    return f"the file is no audio or video that can be read, or it is broken; send one of {', '.join(FORMATS)}"
