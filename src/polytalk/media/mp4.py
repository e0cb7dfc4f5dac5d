"""A clip as an MP4 file that plays everywhere: H.264 and AAC."""

from polytalk.media.video import VideoWriter


class Mp4Writer(VideoWriter):
    """See VideoWriter."""

    suffix = ".mp4"
    container = "mp4"
    options = {"movflags": "faststart+use_metadata_tags"}  # noqa: RUF012 - the latter lets through keys of our own
    video_codec = "libx264"
    audio_codec = "aac"
    audio_bitrate = 96_000
    rates = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)

    @classmethod
    def encoding(cls, fps: int) -> dict[str, str]:
        """Constant quality, fast."""
        return {"crf": "19", "preset": "veryfast"}
