"""A clip as a WebM file, free of patents: VP9 and Opus."""

from polytalk.media.video import VideoWriter


class WebmWriter(VideoWriter):
    """See VideoWriter."""

    suffix = ".webm"
    container = "webm"
    options = {"cues_to_front": "1"}  # noqa: RUF012 - so that players can seek before all is there
    video_codec = "libvpx-vp9"
    audio_codec = "libopus"
    audio_bitrate = 64_000
    rates = (8000, 12000, 16000, 24000, 48000)

    @classmethod
    def encoding(cls, fps: int) -> dict[str, str]:
        """Constant quality; the slower settings of libvpx take several times the clip's length."""
        return {
            "crf": "31",
            "b": "0",
            "deadline": "realtime",
            "cpu-used": "7",
            "row-mt": "1",
            "g": str(10 * fps),
        }
