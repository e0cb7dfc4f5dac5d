"""Pictures a second of the call page while an avatar answers, in Chromium, where no graphics card helps.

The browser stands on the same machine as the server, as it does for who tries Polytalk on a laptop.
"""

import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from bench.figures.photo import photograph
from bench.plan import Plan
from bench.report import Figure, Row
from bench.server import serving
from polytalk.avatar.library import Library
from polytalk.errors import SetupError
from polytalk.types import Seconds
from tests.support import photographs

SIZE = {"width": 1280, "height": 800}
SOFTWARE = ("--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required", "--no-first-run")
WITHOUT_WEBGL = ("--disable-3d-apis",)
WORDS = "one two three four five six seven eight nine ten " * 8
LASTS: Seconds = 6.0
"""Of an answer, a run: from half a second after its first sound."""
PATIENCE: Seconds = 40.0
WATCH = """async seconds => {
    const began = performance.now(), seen = [];
    let painted = polytalk.painted(), asked = 0;
    await new Promise(done => {
        const look = now => {
            asked++;
            if (polytalk.painted() !== painted) { painted = polytalk.painted(); seen.push(now); }
            if (now - began > 1000 * seconds) done(); else requestAnimationFrame(look);
        };
        requestAnimationFrame(look);
    });
    const canvases = [...document.querySelectorAll('#stage canvas')].map(one => `${one.width} × ${one.height}`);
    return {seen, asked, state: polytalk.state(), canvas: canvases.at(-1), renderer: polytalk.renderer()};
}"""


class Way(NamedTuple):
    """Which face, and what the browser has to draw it with."""

    avatar: str
    switches: tuple[str, ...] = ()


WAYS = (Way("nobody"), Way("nobody", WITHOUT_WEBGL), Way("mira"), Way("theo"))


class Watched(NamedTuple):
    """One answer."""

    fps: float
    slow: float
    """95 of 100 pictures came sooner after the one before, in seconds."""
    asked: float
    """Times a second that the browser asked for a picture."""
    canvas: str
    renderer: str
    cores: Mapping[str, float]
    """By kind of process."""


def measure(plan: Plan) -> Figure:
    """Medians over answers; a browser for each way."""
    face, whose = photograph()
    with tempfile.TemporaryDirectory() as folder:
        photographs.put_face(Library(Path(folder)), face, "nobody")
        settings = {"LLM__ENGINE": "echo", "AVATARS_FOLDER": folder, "CACHE__DISK_BYTES": "0"}
        with serving(settings) as server, sync_playwright() as playwright:
            url = server.url.replace("ws:", "http:")
            rows = [_row(way, list(_watched(playwright, url, way, max(1, plan.runs)))) for way in WAYS]
    notes = [
        f"{whose}, as nobody; a window of {SIZE['width']} × {SIZE['height']}, Chromium without a graphics card.",
        "Server and browser share the machine; CPU is that of the browser's processes, in cores.",
    ]
    return Figure("page_fps", "Pictures a second in the call page, while it speaks", "≥ 30", rows, notes)


def _row(way: Way, found: Sequence[Watched]) -> Row:
    first = found[0]
    return {
        "face": way.avatar,
        "drawn by": first.renderer,
        "canvas": found[-1].canvas,
        "pictures a second": round(median(one.fps for one in found), 1),
        "p95 apart ms": round(1000 * median(one.slow for one in found), 1),
        "asked for a second": round(median(one.asked for one in found), 1),
        **{f"{kind} cores": round(median(one.cores[kind] for one in found), 2) for kind in ("renderer", "GPU")},
    }


def _watched(playwright: Playwright, url: str, way: Way, runs: int) -> Iterator[Watched]:
    with _browser(playwright, way) as browser, browser.new_context(viewport=SIZE) as context:  # type: ignore[arg-type]
        page = context.new_page()
        page.goto(url)
        _until(page, "polytalk.state() === 'ready'")
        page.evaluate("key => document.querySelector(`#faces input[value=${key}]`).click()", way.avatar)
        page.wait_for_timeout(1500)
        for number in range(runs + 1):
            page.get_by_role("textbox").fill(WORDS)
            page.get_by_role("textbox").press("Enter")
            _until(page, "polytalk.state() === 'speaking' && polytalk.played() > 500")
            before = _cpu(browser)
            seen = page.evaluate(WATCH, LASTS)
            after = _cpu(browser)
            page.keyboard.press("Escape")
            _until(page, "polytalk.state() !== 'speaking'")
            if number:  # the first warms up, and quality settles
                yield _answer(seen, {kind: (after[kind] - before[kind]) / LASTS for kind in after})


def _answer(seen: Mapping[str, Any], cores: Mapping[str, float]) -> Watched:
    times = [at / 1000 for at in seen["seen"]]
    gaps = sorted(after - before for before, after in pairwise(times))
    if len(gaps) < 2:
        return Watched(0.0, LASTS, seen["asked"] / LASTS, seen["canvas"], seen["renderer"], cores)
    slow = gaps[int(0.95 * len(gaps))]
    return Watched(len(gaps) / sum(gaps), slow, seen["asked"] / LASTS, seen["canvas"], seen["renderer"], cores)


@contextmanager
def _browser(playwright: Playwright, way: Way) -> Iterator[Browser]:
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        raise SetupError("Chromium is not installed: apt-get install chromium")
    with playwright.chromium.launch(executable_path=found, args=[*SOFTWARE, *way.switches]) as launched:
        yield launched


def _cpu(browser: Browser) -> dict[str, Seconds]:
    found = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    total = dict.fromkeys(("renderer", "GPU"), 0.0)
    for one in found:
        if one["type"] in total:
            total[one["type"]] += one["cpuTime"]
    return total


def _until(page: Page, expression: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not page.evaluate(expression):
        if time.monotonic() > deadline:
            raise SetupError(f"{expression} did not come true within {PATIENCE:.0f} s")
        page.wait_for_timeout(50)
