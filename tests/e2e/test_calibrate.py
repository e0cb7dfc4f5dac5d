"""`polytalk bench --calibrate` with the real engines, as briefly as it can."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from polytalk.sim.costs import SIMULATED, read_calibration
from polytalk.types import Stage

Polytalk = Callable[..., subprocess.CompletedProcess[str]]


def test_the_engines_of_this_machine_are_measured_and_kept(polytalk: Polytalk, tmp_path: Path) -> None:
    file = tmp_path / "here.json"
    done = polytalk("bench", "--calibrate", "--seconds", "1", "--out", str(file), COLUMNS="120")
    assert done.returncode == 0, done.stderr
    stages = read_calibration(file).stages
    assert {stage: cost.max_batch for stage, cost in stages.items()} == {
        Stage.LISTEN: 8,
        Stage.THINK: 8,
        Stage.SPEAK: 1,
        Stage.MOUTH: 64,
    }
    assert {cost.pool for cost in stages.values()} == {"cores", "llm"}
    assert [stages[stage].source.partition(";")[0] for stage in SIMULATED] == [
        "whisper tiny.en",
        "smollm2",
        "hibari",
        "net",
    ]
    assert 0.01 < stages[Stage.LISTEN].seconds(3.0) < 3.0, "faster than real time"
    assert 0 < stages[Stage.THINK].seconds(1.0) < 0.5, "a token"
    assert 30 < (stages[Stage.THINK].prefill or 0) < 100_000
    assert stages[Stage.SPEAK].seconds(3.0) < 1.5
    assert stages[Stage.MOUTH].seconds(3.0) < stages[Stage.SPEAK].seconds(3.0)
    for engine in (
        "listen/whisper",
        "think/smollm2",
        "speak/hibari",
        "speak/joe",
        "analyse/mels",
        "mouth/net",
        "synthesise/raster",
    ):
        assert engine in done.stdout
    assert "turns a second" in done.stdout


def test_out_without_calibrate_ends_with_a_sentence(polytalk: Polytalk) -> None:
    done = polytalk("bench", "--out", "x.json")
    assert (done.returncode, done.stdout) == (1, "")
    assert "--out is where --calibrate writes" in done.stderr
