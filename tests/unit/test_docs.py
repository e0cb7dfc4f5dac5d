"""What the documents say is so: links, commands, settings, examples, names of files."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import typer
from msgspec.structs import StructConfig
from pydantic import BaseModel

from polytalk import errors
from polytalk.cli.main import app
from polytalk.config import EngineChoice, Settings, TenantSettings
from polytalk.engines import registry
from polytalk.engines.base import StreamEngine
from polytalk.errors import PolytalkError
from polytalk.gateway.realtime import client_events, wires
from polytalk.types import TextDelta

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    path
    for path in (
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("web/*.md"),
        *ROOT.glob("bench/*.md"),
        *ROOT.glob("examples/*.md"),
    )
    if path.is_file()
)
READMES = [ROOT / "README.md", ROOT / "README.zh-CN.md"]
HOSTS = [
    ".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("huggingface", "co"))
]
FORBIDDEN = re.compile("|".join(map(re.escape, HOSTS)) + r"|(?<![\w.])/(?:work|tmp|root|home)/")
"""Registries and hubs (the project names packages, not hosts) and paths of somebody's machine."""


def ids(path: Path) -> str:
    return str(path.relative_to(ROOT))


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def blocks(path: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text_of(path), re.MULTILINE | re.DOTALL)


def anchors(path: Path) -> set[str]:
    """As GitHub makes them: lower case, spaces to dashes, punctuation dropped."""
    headings = re.findall(r"^#+ (.+)$", text_of(path), re.MULTILINE)
    made = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return made | set(re.findall(r'<a id="([^"]+)">', text_of(path)))


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids)
def test_links_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"", text_of(document))
    for target in (one or other for one, other in links):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        file = (document.parent / name).resolve() if name else document
        assert file.exists(), f"{ids(document)} links to {target}"
        if anchor:
            assert anchor in anchors(file), f"{ids(document)} links to {target}, and there is no such heading"


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids)
def test_no_registry_and_no_machine_is_named(document: Path) -> None:
    assert not FORBIDDEN.findall(text_of(document))


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", text_of(ROOT / "Makefile"), re.MULTILINE))


def commands() -> dict[str, set[str]]:
    """Each command with its flags."""
    group: Any = typer.main.get_command(app)
    shared = {flag for option in group.params for flag in option.opts}
    found = dict(group.commands)
    for name, inner in group.commands.items():
        found |= {f"{name} {below}": command for below, command in getattr(inner, "commands", {}).items()}
    return {
        name: shared | {"--help"} | {flag for param in command.params for flag in (*param.opts, *param.secondary_opts)}
        for name, command in found.items()
    }


def spoken_commands(document: Path) -> Iterator[list[str]]:
    """What a document tells to type: lines of shell blocks, and code in a sentence."""
    lines = [line for block in blocks(document, "(?:sh|bash)") for line in block.splitlines()]
    lines += re.findall(r"`((?:[A-Z_]+=\S+ )*(?:make|polytalk) [^`]+)`", text_of(document))
    for line in filter(re.compile(r"(?:[A-Z_]+=\S+ )*(?:make|polytalk) ").match, lines):
        yield [word for word in shlex.split(line, comments=True) if not re.match(r"[A-Z_]+=", word)]


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids)
def test_commands_that_are_named_exist(document: Path) -> None:
    known = commands()
    for program, *words in spoken_commands(document):
        if program == "make":
            assert {word for word in words if not word.startswith("-")} <= targets(), f"make {' '.join(words)}"
            continue
        name = next((word for word in words if word in known), None)
        name = next((f"{name} {word}" for word in words if f"{name} {word}" in known), name)
        flags = {word.partition("=")[0] for word in words if word.startswith("-")}
        assert name or flags <= {"--help", "--version", "--log-level"}, f"polytalk {' '.join(words)}"
        assert not name or flags <= known[name], f"polytalk {' '.join(words)}"


def test_both_readmes_name_the_same_commands() -> None:
    english, chinese = ({" ".join(words[:2]) for words in spoken_commands(document)} for document in READMES)
    assert english == chinese


def settings() -> Iterator[tuple[str, Any]]:
    """Every setting by its path, with its default; None when that depends on the machine."""
    for name, field in Settings.model_fields.items():
        default = field.get_default()
        yield from (
            tree(name, default)
            if isinstance(default, BaseModel)
            else [(name, None if field.default_factory else default)]
        )


def tree(path: str, table: BaseModel) -> Iterator[tuple[str, Any]]:
    for name, value in table:
        yield from tree(f"{path}.{name}", value) if isinstance(value, BaseModel) else [(f"{path}.{name}", value)]


PLAIN = (bool, int, float, str, tuple, dict)
"""What a default is when it is a value of its own; others (a path, none, required) are put into words."""


def as_toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(as_toml, value))}]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def test_every_setting_is_documented_with_its_default() -> None:
    manual = text_of(ROOT / "docs/settings.md")
    rows = dict(re.findall(r"^\| `([\w.]+)` \| (.+?) \|", manual, re.MULTILINE))
    wanted = dict(settings())
    wanted |= {name: field.get_default() for name, field in TenantSettings.model_fields.items()}
    assert rows.keys() == wanted.keys()
    assert {path: rows[path] for path, value in wanted.items() if isinstance(value, PLAIN)} == {
        path: f"`{as_toml(value)}`" for path, value in wanted.items() if isinstance(value, PLAIN)
    }


TOML = [(path, block) for path in DOCUMENTS for block in blocks(path, "toml") if "[project" not in block]


@pytest.mark.parametrize("example", TOML, ids=lambda example: ids(example) if isinstance(example, Path) else "")
@pytest.mark.usefixtures("no_settings")
def test_examples_of_settings_can_be_used(example: tuple[Path, str]) -> None:
    used = Settings(**tomllib.loads(example[1]))
    chosen = [("vad", used.vad), ("asr", used.asr), ("llm", used.llm), ("analyse", used.analyse), ("mouth", used.mouth)]
    for kind, choice in (
        *chosen,
        *(("tts", one) for one in used.tts),
        *(("synthesise", one) for one in used.synthesise),
    ):
        assert isinstance(choice, EngineChoice)
        if choice.engine in registry.names(kind):
            registry.create(kind, choice.engine, choice.options)
        else:
            assert choice.engine == "clock", "the one engine that the documents make up"


@pytest.fixture
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "none.toml").touch()
    monkeypatch.setenv("POLYTALK_CONFIG", str(tmp_path / "none.toml"))


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids)
def test_python_examples_compile(document: Path) -> None:
    for number, block in enumerate(blocks(document, "python")):
        compile(block, f"{ids(document)}, example {number}", "exec")


async def test_the_engine_of_the_manual_answers() -> None:
    (source,) = (block for block in blocks(ROOT / "docs/engines.md", "python") if "class ClockLlm" in block)
    module: dict[str, Any] = {}
    exec(source, module)
    engine = module["ClockLlm"]({"greeting": "My watch says"})
    assert isinstance(engine, StreamEngine)
    engine.load()
    said = [result async for result in engine.stream(engine.probe())]
    engine.close()
    assert isinstance(said[0], TextDelta)
    assert said[0].delta.startswith("My watch says")


def test_every_file_named_in_the_tour_exists() -> None:
    tour = text_of(ROOT / "docs/structure.md")
    named = re.findall(r"`([\w./]+/[\w.]*|[\w./]+\.(?:py|ts|md|toml|txt))`", tour)
    assert len(named) > 30
    rooms = [folder for folder in (ROOT / "src/polytalk").iterdir() if folder.is_dir()]
    missing = [
        name for name in named if not any((base / name).exists() for base in (ROOT, ROOT / "src/polytalk", *rooms))
    ]
    assert not missing


def test_every_event_and_error_code_is_documented() -> None:
    manual = text_of(ROOT / "docs/api.md")
    config: list[StructConfig] = [kind.__struct_config__ for kind in get_args(client_events.ClientEvent)]
    understood = {str(one.tag) for one in config}
    family = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, PolytalkError)]
    codes = {kind.code for kind in family if not issubclass(kind, (errors.SetupError, errors.Cancelled))}
    explicit = "\n".join(text_of(file) for file in (ROOT / "src/polytalk").rglob("*.py"))
    codes |= set(re.findall(r'code="(\w+)"', explicit))
    sent = wires.PUBLISHED | wires.EXTENSION
    assert not {name for name in understood | sent | codes if f"`{name}" not in manual}


def test_everything_that_is_installed_is_listed_with_its_licence() -> None:
    listed = text_of(ROOT / "THIRD_PARTY.md").lower()
    project = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]
    extras = project["optional-dependencies"]
    installed = project["dependencies"] + extras["zh"] + extras["dev"]
    listings = [*(ROOT / "src/polytalk/engines").glob("models-*.txt"), *(ROOT / "src/polytalk/avatar").glob("*.txt")]
    pinned = "\n".join(map(text_of, listings))
    names = {re.split(r"[<>=;\[ ]", line)[0] for line in installed} | set(re.findall(r"^([\w-]+)==", pinned, re.M))
    web = re.findall(r'"([@\w/-]+)": "\d', text_of(ROOT / "web/package.json").partition("devDependencies")[2])
    assert len(names) > 20
    assert not {name for name in (*names, *web) if f"| {name.lower()} " not in listed}


def test_what_the_manual_says_is_tried_is_tried() -> None:
    table = text_of(ROOT / "docs/security.md").partition("| against | what is done | test |")[2]
    rows = [row.rsplit("|", 2)[1] for row in re.findall(r"^\|.+\|$", table, re.MULTILINE)[1:]]
    named = [re.findall(r"`(test_\w+\.py)`", row) for row in rows]
    assert len(rows) > 8
    assert all(named), "a row without a test"
    assert not [name for names in named for name in names if not list(ROOT.glob(f"tests/*/{name}"))]
