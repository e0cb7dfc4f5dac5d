"""How clips are marked as AI-generated, from the settings."""

from dataclasses import dataclass
from typing import Final

from polytalk.cache.key import digest_bytes
from polytalk.config import MarkingSettings, Settings
from polytalk.dialogue.ids import new_id
from polytalk.media.labels import Place, VisibleLabel, visible_label
from polytalk.media.marking import Content, Marking
from polytalk.media.provenance import SIGNED, open_seal
from polytalk.media.sound import SUFFIXES as SOUNDS
from polytalk.media.whole import Seal

_SILENT: Final = ".gif"


@dataclass(frozen=True, slots=True)
class Mark:
    """What is done to each clip."""

    label: str | None = "en"
    """Language of the visible mark, None for none."""
    place: Place = "bottom-right"
    language: str = "en"
    """Of what the metadata say."""
    producer: str = "Polytalk"
    voice: bool = True
    """Whether the voice was generated too, and is no recording."""
    seal: Seal | None = None
    signature: str = ""
    """Which key signs, as a digest; "" for none."""

    @property
    def identity(self) -> str:
        """Changes with whatever changes the file."""
        parts = (self.label, self.place, self.language, self.producer, self.voice, self.signature)
        return "\n".join(map(str, parts))

    def tags(self, suffix: str) -> dict[str, str]:
        """Metadata of a new file."""
        content: Content = "sound" if suffix in SOUNDS else "video" if self.voice and suffix != _SILENT else "picture"
        return Marking(producer=self.producer, produce_id=new_id("clip")).tags(self.language, content)

    def seal_for(self, suffix: str) -> Seal | None:
        """The signer, for forms that can carry a manifest."""
        return self.seal if suffix in SIGNED else None


def mark_of(settings: Settings, marking: MarkingSettings | None = None, *, voice: bool = True) -> Mark:
    """The mark that the settings ask for; `marking` replaces theirs. Raises ConfigError for keys that can't be used."""
    chosen = marking or settings.marking
    language = chosen.language or settings.languages[0]
    seal, signature = None, ""
    if chosen.c2pa_certificate is not None and chosen.c2pa_key is not None:
        seal = open_seal(
            chosen.c2pa_certificate, chosen.c2pa_key, chosen.c2pa_algorithm, chosen.c2pa_timestamps, chosen.producer
        )
        signature = digest_bytes(chosen.c2pa_certificate.read_bytes())
    return Mark(
        label=language if chosen.label else None,
        place=chosen.place,
        language=language,
        producer=chosen.producer,
        voice=voice,
        seal=seal,
        signature=signature,
    )


def film_label(settings: Settings, width: int, height: int) -> VisibleLabel | None:
    """What is printed on the pictures of a live film: what clips have, where the settings ask for it."""
    if not settings.video.label:
        return None
    return visible_label(width, height, settings.marking.language or settings.languages[0], settings.marking.place)
