"""A clip made beside conversations: its work goes to the engines in the batch tier, and takes what they leave.

text ─▶ sentences (Narration) ─┐
recording ─▶ mouth (recorded) ─┴▶ Take ─▶ scenes ─▶ runs of moves ─▶ pictures (synthesise) ─▶ Reel, on the pool's cores
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path

from polytalk.dialogue.clips.exports import check_length
from polytalk.dialogue.clips.film import Kept, join
from polytalk.dialogue.clips.marks import Mark
from polytalk.dialogue.clips.parts import Parts
from polytalk.dialogue.clips.reel import SceneMaker, Shape, length
from polytalk.dialogue.clips.rehearsal import FAR
from polytalk.dialogue.clips.scenes import Planned, plan
from polytalk.dialogue.clips.take import Take
from polytalk.dialogue.dispatch import Scope
from polytalk.dialogue.faces.drawing import checked
from polytalk.dialogue.faces.face import Painter
from polytalk.dialogue.faces.pipeline import Step, in_order
from polytalk.dialogue.kit import Kit
from polytalk.dialogue.texts.dictation import Compute
from polytalk.types import Pictures, Seconds, Stage, SynthesiseWork

AHEAD = 2
"""Runs at the engine while one is encoded."""


async def shoot(
    scope: Scope,
    kit: Kit,
    compute: Compute,
    avatar: str,
    take: Take,
    target: Path,
    shape: Shape,
    mark: Mark,
    parts: Parts,
    on_frame: Callable[[int, int], None] = lambda *_: None,
) -> Seconds:
    """Draw and write a clip, with a scope of the batch tier; its length. Whoever leaves leaves no file, but scenes that
    are done in `parts`, whose folder is open.

    Raises BadInput for an avatar that nobody here draws, SetupError for a target that can't be written, or what an
    engine raised.
    """
    painter = kit.faces.painter(avatar)
    frames = length(take, shape)
    check_length(target, frames, shape.fps)
    scenes = plan(avatar, painter, take, shape, mark, target.suffix.lower())

    async def shot(scene: Planned, maker: SceneMaker) -> None:
        done = scene.first
        runs = in_order(_runs(scope, painter, scene), AHEAD)
        async with aclosing(runs):
            async for run in runs:
                await compute(lambda run=run: maker.write(run), FAR)  # type: ignore[misc]
                done += run.count
                on_frame(done, frames)

    kept: list[Kept] = []
    while (scene := await compute(lambda: next(scenes, None), FAR)) is not None:
        one = Kept(scene.name, scene.first, scene.count)
        kept.append(one)
        if await compute(lambda one=one: parts.scene(one.name, one.count), FAR) is None:  # type: ignore[misc]
            maker = SceneMaker(target, shape, mark)
            await shot(scene, maker)
            made = await compute(maker.finish, FAR)
            await compute(lambda one=one, made=made: parts.put_scene(one.name, made), FAR)  # type: ignore[misc]
        on_frame(one.first + one.count, frames)
    return await compute(lambda: join(parts, kept, take, target, shape, mark), FAR)


async def _runs(scope: Scope, painter: Painter, scene: Planned) -> AsyncGenerator[Step[Pictures], None]:
    for work in scene.works:
        yield _draw(scope, painter, work)


async def _draw(scope: Scope, painter: Painter, work: SynthesiseWork) -> Pictures:
    asked = await scope.ask(Stage.SYNTHESISE, painter.engine, work, scope.clock.now() + FAR)
    return checked(await asked.only(), painter.engine, work.count)
