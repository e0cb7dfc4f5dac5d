"""What an avatar knows, as its owner writes it down: questions and answers, in TOML or Markdown. docs/knowledge.md"""

import re
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from polytalk.dialogue.knowledge.by_heart import MAX_KEY, Answer, normalised
from polytalk.dialogue.voices import language_of
from polytalk.errors import ConfigError

MAX_BYTES = 4 << 20
MAX_ENTRIES = 5_000
MAX_ANSWER = 2_000
"""Characters: two minutes of speech, which nobody listens to."""

_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$")
_MARKS = re.compile(r"(?<!\\)[*_`]|!?\[([^\]]*)\]\([^)]*\)")


class _Side(msgspec.Struct, forbid_unknown_fields=True):
    answers: list[Answer] = []


def read(path: Path) -> dict[str, tuple[Answer, ...]]:
    """The answers by language. Raises ConfigError that names the file, the place and the remedy."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(
                f"{path} has more than {MAX_BYTES >> 20} MiB; a knowledge file is for what people ask often"
            )
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the knowledge file {path} can't be read: {error}") from None
    if path.suffix.lower() in (".md", ".markdown"):
        found = list(_markdown(text))
    elif path.suffix.lower() == ".toml":
        found = list(_toml(path, text))
    else:
        raise ConfigError(f"the knowledge file {path} must end in .toml or .md")
    if not found:
        raise ConfigError(f"{path} has no answers: see docs/knowledge.md for what it should look like")
    _check(path, found)
    return {
        language: tuple(answer for its, answer in found if its == language) for language in {its for its, _ in found}
    }


def _toml(path: Path, text: str) -> Iterator[tuple[str, Answer]]:
    try:
        tables = msgspec.convert(tomllib.loads(text), dict[str, _Side])
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(f"the knowledge file {path}: {error}") from None
    for language, side in tables.items():
        if language not in ("en", "zh"):
            raise ConfigError(f"{path}: [{language}] is no language that is spoken here; there are en and zh")
        yield from ((language, answer) for answer in side.answers)


def _markdown(text: str) -> Iterator[tuple[str, Answer]]:
    """Headings are questions, several in a row wordings of one; the paragraphs below are the answer."""
    questions: list[str] = []
    lines: list[str] = []
    for line in (*text.splitlines(), "# end"):
        heading = _HEADING.match(line)
        if heading is None:
            lines.append(line)
            continue
        answer = " ".join(" ".join(lines).split())
        if answer and questions:
            yield language_of(questions[0]), Answer(tuple(questions), _MARKS.sub(r"\1", answer))
        if answer:
            questions = []
        questions.append(heading[1])
        lines = []


def _check(path: Path, found: Sequence[tuple[str, Answer]]) -> None:
    if len(found) > MAX_ENTRIES:
        raise ConfigError(f"{path} has {len(found)} answers; {MAX_ENTRIES} are the most")
    given: dict[tuple[str, str], str] = {}
    for language, known in found:
        shown = f"{known.questions[0]!r:.80}" if known.questions else f"the answer {known.answer!r:.80}"
        if not known.questions or not all(normalised(question) for question in known.questions):
            raise ConfigError(f"{path}: {shown} has no question, or an empty one")
        if not known.answer.strip() or len(known.answer) > MAX_ANSWER:
            raise ConfigError(
                f"{path}: the answer to {shown} has {len(known.answer)} characters; it may have 1 to {MAX_ANSWER}"
            )
        for question in known.questions:
            if len(question) > MAX_KEY:
                raise ConfigError(
                    f"{path}: a question may have {MAX_KEY} characters, not {len(question)}: {question:.60}…"
                )
            other = given.setdefault((language, normalised(question)), known.answer)
            if other != known.answer:
                raise ConfigError(
                    f"{path}: {question!r:.80} has two answers, {other!r:.60} and {known.answer!r:.60}; keep one"
                )
