"""`polytalk bench`: what is made of measurements, without models."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from polytalk.cli import bench
from polytalk.cli.bench import print_figures, print_turn
from polytalk.cli.calibration import (
    CORES,
    LOCAL_LLM,
    Calibration,
    Figures,
    calibration_file,
    describe,
    error_of,
    fit,
    relative_costs,
    write_calibration,
)
from polytalk.cli.capacity import EARS, StageTurn, ideal, turn_costs
from polytalk.cli.main import app
from polytalk.cli.measure import Case, Cell, Driver, measure_batches, measure_llm, sizes
from polytalk.cli.samples import LENGTHS, story, unread
from polytalk.cli.stopwatch import Stopwatch
from polytalk.config import EngineChoice, load_settings
from polytalk.dialogue.persona import load_personas
from polytalk.errors import BadInput, EngineFailed, PolytalkError, SetupError
from polytalk.sim.costs import SIMULATED, StageCost, read_calibration
from polytalk.types import AnalyseWork, Message, MouthFrames, Stage, TextDelta, ThinkWork, Usage


def test_what_is_benched_is_named_in_errors() -> None:
    for arguments, said in ((["nose"], "no bench of 'nose'"), (["--avatar", "mira"], "polytalk bench face")):
        with pytest.raises(BadInput, match=said):
            app(["bench", *arguments], standalone_mode=False)


STAGES = {
    Stage.LISTEN: StageCost(0.01, 0.03, "seconds", CORES, 4, {1: 1.0, 4: 1.0}, source="whisper tiny.en; a test"),
    Stage.THINK: StageCost(
        0.005, 0.01, "tokens", LOCAL_LLM, 8, {1: 1.0, 8: 1.0}, prefill=400, source="smollm2; a test"
    ),
    Stage.SPEAK: StageCost(0.005, 0.004, "seconds", CORES, source="hibari; a test"),
    Stage.MOUTH: StageCost(0.0002, 0.0005, "seconds", CORES, 64, {1: 1.0, 16: 1.0}, source="net; a test"),
}


def figures(relative: dict[int, float], stage: Stage = Stage.LISTEN) -> Figures:
    return Figures(stage, "engine", STAGES[stage], 0.05, relative)


class Mouths:
    """A batch engine that notes what it was given."""

    name = "mouths"
    max_batch = 4

    def __init__(self, fault: PolytalkError | None = None) -> None:
        self.batches: list[int] = []
        self.fault = fault

    def load(self) -> None: ...

    def close(self) -> None: ...

    def probe(self) -> AnalyseWork:
        return AnalyseWork(b"")

    def units(self, work: AnalyseWork) -> float:
        return 1.0

    def run(self, batch: Sequence[AnalyseWork]) -> Sequence[MouthFrames | PolytalkError]:
        self.batches.append(len(batch))
        return [self.fault or MouthFrames(work.audio) for work in batch]


class Teller:
    """An LLM that tells as many words as it is allowed."""

    name = "teller"
    slots = 2

    def __init__(self, words: int = 100) -> None:
        self.words = words
        self.most = self.under_way = 0

    async def stream(self, work: ThinkWork) -> AsyncIterator[TextDelta | Usage]:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        count = min(self.words, work.max_tokens)
        for _ in range(count):
            await asyncio.sleep(0)  # the others' turn
            yield TextDelta("word ")
        self.under_way -= 1
        yield Usage(len(work.messages[-1].content.split()), count)


@pytest.fixture
def driver() -> Iterator[Driver]:
    made = Driver()
    yield made
    made.close()


# --- measuring -------------------------------------------------------------------------------------------------------


def test_every_size_that_the_engine_takes_is_run_with_works_of_every_length(driver: Driver) -> None:
    engine = Mouths()
    groups = [[Case(AnalyseWork(b"ab"), 1.0)], [Case(AnalyseWork(b"abcd"), 2.0), Case(AnalyseWork(b"abcdef"), 4.0)]]
    found = measure_batches(driver, engine, groups, budget=0.01)
    assert {(cell.alike, cell.jobs) for cell in found.cells} == {
        (group, size) for group in (0, 1) for size in (1, 2, 4)
    }
    assert {cell.units for cell in found.cells if cell.jobs == 4} == {4.0, 12.0}
    assert len(engine.batches) == len(groups) + found.rounds * 6
    assert all(cell.seconds > 0 for cell in found.cells)


def test_an_engine_that_fails_is_named(driver: Driver) -> None:
    with pytest.raises(EngineFailed, match="mouths can't do what it is measured with: no memory"):
        measure_batches(driver, Mouths(EngineFailed("no memory")), [[Case(AnalyseWork(b""), 1.0)]], 0.01)


def test_answers_are_told_at_once_and_reading_is_timed_apart(driver: Driver) -> None:
    engine, persona = Teller(), load_personas("Mira")["en"]
    found = measure_llm(driver, engine, lambda n: story(persona, "en", n, 20), lambda n: unread(persona, "en", n), 0.01)
    assert {cell.jobs: cell.units for cell in found.cells} == {1: 1, 2: 2}
    assert engine.most == 2
    assert all(cell.seconds > 0 for cell in found.cells)
    assert found.local


def test_a_model_that_says_next_to_nothing_cannot_be_measured(driver: Driver) -> None:
    persona = load_personas("Mira")["en"]
    with pytest.raises(EngineFailed, match="teller answers in a word or two"):
        measure_llm(driver, Teller(1), lambda n: story(persona, "en", n, 20), lambda n: unread(persona, "en", n), 0.01)


def test_a_message_to_be_read_is_new_each_time_and_the_persona_before_it_is_not() -> None:
    persona = load_personas("Mira")["en"]
    one, other = (unread(persona, "en", LENGTHS[0]).messages for _ in range(2))
    assert one[:-1] == other[:-1] == persona.messages([Message("user", "")])[:-1]
    assert one[-1].content.split()[0] != other[-1].content.split()[0]
    assert story(persona, "en", 3, 8) == story(persona, "en", 3, 8) != story(persona, "en", 4, 8)


def test_batch_sizes_end_with_what_the_engine_takes() -> None:
    assert [sizes(limit) for limit in (1, 3, 8, 64)] == [[1], [1, 2], [1, 2, 4, 8], [1, 2, 4, 8, 16]]


def test_a_watch_takes_the_wait_for_a_core_off_and_never_more() -> None:
    done = threading.Event()
    with Stopwatch() as watch:
        sum(range(200_000))
        done.wait(0.02)  # as for a server
    assert 0.01 <= watch.seconds <= watch.wall  # less than 0.02 where other threads of this process wanted the core
    assert watch.seconds >= watch.computing


# --- the fit ---------------------------------------------------------------------------------------------------------


def test_a_line_is_recovered_with_what_a_batch_size_costs_beside_it() -> None:
    ratio = {1: 1.0, 2: 1.0, 4: 1.5}
    cells = [Cell(n, n * size, (0.01 * n * size + 0.02) * ratio[n], size) for n in ratio for size in (1, 3, 5)]
    straight = [cell for cell in cells if cell.jobs < 4]
    assert fit(straight).line() == pytest.approx((0.01, 0.02))
    assert error_of(fit(straight), straight) == pytest.approx(0, abs=1e-9)
    assert error_of(fit(cells), cells) < 0.2


def test_the_error_counts_single_runs() -> None:
    runs = [Cell(1, 1.0, 0.9), Cell(1, 1.0, 1.1)]
    assert error_of(fit([Cell(1, 1.0, 1.0)]), runs) == pytest.approx((0.1 / 0.9 + 0.1 / 1.1) / 2)


def test_what_one_of_many_costs_is_against_one_of_its_length_alone() -> None:
    cells = [Cell(1, 1, 0.1, 0), Cell(4, 4, 0.2, 0), Cell(1, 5, 0.4, 1), Cell(4, 20, 1.2, 1)]
    assert relative_costs(cells) == {1: 1.0, 4: pytest.approx((0.5 + 0.75) / 2)}


@pytest.mark.parametrize(
    ("relative", "best"),
    [
        ({1: 1.0, 2: 0.98, 4: 0.95, 8: 0.97}, 1),
        ({1: 1.0, 2: 0.8, 4: 0.63, 8: 0.6}, 4),
        ({1: 1.0, 2: 1.8, 4: 1.3, 8: 0.7}, 8),
    ],
    ids=["not worth a wait", "nearly all is saved at four", "two are worse than one"],
)
def test_the_best_batch_is_the_smallest_that_saves_nearly_all(relative: dict[int, float], best: int) -> None:
    assert figures(relative).best == best


# --- the file --------------------------------------------------------------------------------------------------------


def calibration() -> Calibration:
    return Calibration(tuple(figures({1: 1.0}, stage) for stage in STAGES), STAGES, 0.4, 12.0)


def test_what_is_written_is_what_the_planner_reads(tmp_path: Path) -> None:
    path = tmp_path / "new" / "calibration.json"
    write_calibration(calibration(), path)
    assert read_calibration(path).stages == STAGES
    assert list(path.parent.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError, match=r"can't write .*file/calibration.json.*--out"):
        write_calibration(calibration(), tmp_path / "file" / "calibration.json")


def test_no_key_of_an_engine_is_told() -> None:
    choice = EngineChoice(engine="openai", options={"model": "big", "api_key": "secret"})
    assert describe(choice) == "openai big"


# --- a turn ----------------------------------------------------------------------------------------------------------


def test_the_pool_that_is_exhausted_first_bounds_the_turns() -> None:
    parts = [StageTurn("listen", CORES, 0.2, 0.1), StageTurn("think", LOCAL_LLM, 0.5, 0.5)]
    best = ideal(parts, cores=2)
    assert (best.turns, best.bound) == (2.0, LOCAL_LLM)
    assert ideal(parts, cores=1).bound == "all cores together"
    assert ideal(parts, cores=1).turns == pytest.approx(1 / 0.6)


def test_a_servers_model_takes_nothing_of_the_cores() -> None:
    parts = [StageTurn("listen", CORES, 0.1, 0.1), StageTurn("think", "think", 0.1, 0.1)]
    assert ideal(parts, cores=1).turns == pytest.approx(10.0)


def test_conversations_follow_by_littles_law() -> None:
    best = ideal([StageTurn("listen", CORES, 0.1, 0.1)], cores=1)
    assert best.conversations == pytest.approx(10.0 * best.cycle)
    assert best.speakers == pytest.approx(10.0 * best.speech)
    assert best.admitted == pytest.approx(0.9 * best.conversations)


def test_a_turn_costs_its_stages_at_their_cheapest_batch() -> None:
    parts = {part.stage: part for part in turn_costs(STAGES, frame_cost=0.0001, frame=0.032)}
    assert set(parts) == {EARS, *map(str, SIMULATED)}
    assert (parts["listen"].size, parts["think"].size, parts["speak"].size) == (4, 8, 1)
    assert parts["listen"].alone == pytest.approx(parts["listen"].batched + 0.03 * 3 / 4)
    assert parts["think"].batched < parts["think"].alone


# --- the command -----------------------------------------------------------------------------------------------------


def printed(figure: Calibration) -> str:
    console = Console(file=StringIO(), width=100)
    print_figures(console, figure)
    print_turn(console, STAGES, cores=2, frame_cost=0.0001, frame=0.032)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_the_tables_name_every_engine_and_what_follows() -> None:
    found = Calibration((figures({1: 1.0, 2: 1.4, 4: 0.6}), figures({1: 1.0, 4: 0.96})), STAGES, 0.4, 12.0)
    text = printed(found)
    assert "listen/engine: 4 together cost 40% less each, 2 cost more; max_batch is 4, so more may pay" in text
    assert "batches save 4%, not worth a wait; max_batch is 4, 1 would do." in text
    assert "Others used 40% of the machine" in text
    assert "turns a second" in text
    assert max(map(len, text.splitlines())) <= 100


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    (tmp_path / "none.toml").touch()
    monkeypatch.chdir(tmp_path)  # no settings file
    monkeypatch.delenv("POLYTALK_CONFIG", raising=False)
    monkeypatch.setenv("POLYTALK_CACHE_FOLDER", str(tmp_path))
    monkeypatch.setattr(bench, "_ears", lambda settings: (0.0001, 0.032))
    return tmp_path


def test_figures_that_were_kept_are_used(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_calibration(calibration(), calibration_file(load_settings()))
    bench.run(calibrating=False, out=None, seconds=1, languages=None)
    text = capsys.readouterr().out
    assert "calibration.json" in text.replace("\n", "")  # a long path is broken anywhere
    assert "measuring anew" not in text
    assert "turns a second" in text


def test_figures_of_other_engines_are_not_used(
    cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_calibration(calibration(), calibration_file(load_settings()))
    monkeypatch.setenv("POLYTALK_LLM__ENGINE", "echo")
    monkeypatch.setattr(bench, "calibrate", lambda settings, seconds, on_step: calibration())
    bench.run(calibrating=False, out=None, seconds=1, languages=None)
    text = " ".join(capsys.readouterr().out.split())
    assert "about think/smollm2, and the settings say echo: measuring anew" in text
    assert "`polytalk bench --calibrate` keeps these figures." in text


def test_a_calibration_is_kept_where_out_says(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "calibrate", lambda settings, seconds, on_step: calibration())
    bench.run(calibrating=True, out=cache / "here.json", seconds=1, languages=None)
    assert read_calibration(cache / "here.json").stages == STAGES
    assert not calibration_file(load_settings()).exists()


def test_a_damaged_calibration_says_what_is_wrong(cache: Path) -> None:
    calibration_file(load_settings()).write_text('{"listen": 3}')
    with pytest.raises(BadInput, match="is no calibration"):
        bench.run(calibrating=False, out=None, seconds=1, languages=None)


def test_out_without_calibrate_is_refused(cache: Path) -> None:
    with pytest.raises(BadInput, match="--out is where --calibrate writes"):
        bench.run(calibrating=False, out=cache / "x.json", seconds=1, languages=None)


def test_the_help_names_every_flag() -> None:
    text = CliRunner().invoke(app, ["bench", "--help"], env={"COLUMNS": "120", "NO_COLOR": "1"}).output
    assert all(flag in text for flag in ("--calibrate", "--out", "--seconds", "--languages"))
