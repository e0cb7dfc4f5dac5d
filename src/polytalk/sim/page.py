"""A plan as one page that needs nothing else: no script, no font, no picture from elsewhere."""

from collections.abc import Sequence
from html import escape

from polytalk.schedule.scale import ScaleRule
from polytalk.sim.chart import Axis, Series, line_chart
from polytalk.sim.costs import PoolKind
from polytalk.sim.planner import IN_TIME, Plan
from polytalk.types import Stage

STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 860px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #8884; }
td.n, th.n { text-align: right; } svg { width: 100%; height: auto; margin: 1rem 0; }
.wrap { overflow-x: auto; } small { opacity: .75; }
"""


def charts(plan: Plan) -> dict[str, str]:
    """Name -> SVG: p95 of the time to first audio, and speech that came late, against speakers; and our percentiles."""
    names = list(dict.fromkeys(point.policy for point in plan.points))
    speakers = Axis("people in conversation")
    goal = (plan.wish.p95_ttfa, "wanted")

    def of(name: str) -> list[tuple[float, tuple[float, float, float], float]]:
        return [(float(p.speakers), p.ttfa, p.late) for p in plan.points if p.policy == name]

    first = names[0]
    percentiles = [
        Series(label, [(x, ttfa[index]) for x, ttfa, _ in of(first)])
        for index, label in enumerate(("p50", "p95", "p99"))
    ]
    waits = [Series(name, [(x, ttfa[1]) for x, ttfa, _ in of(name)]) for name in names]
    late = [Series(name, [(x, 100 * share) for x, _, share in of(name)]) for name in names]
    seconds = Axis("seconds", log=True, least=0.1)
    return {
        "ttfa": line_chart(f"Time to first audio, {first}", speakers, Axis("seconds"), percentiles, goal),
        "policies": line_chart("p95 of the time to first audio, by policy", speakers, seconds, waits, goal),
        "late": line_chart(
            "Speech that came late, by policy",
            speakers,
            Axis("% of the speech", log=True, least=0.01),
            late,
            (100 * (1 - IN_TIME), "allowed"),
        ),
    }


def assumptions(plan: Plan) -> list[str]:
    """What the plan takes for granted, in sentences."""
    wish, habits = plan.wish, plan.wish.habits
    words = [
        f"A speaker is somebody in conversation: questions of {habits.question:g} s, answers of {habits.words:g} "
        f"words, pauses of {habits.pause:g} s (medians), {habits.interruptions:.0%} of the answers interrupted.",
        f"The time to first audio includes {wish.endpointing:g} s of silence that ends a question; the network is not "
        f"in it. At least {IN_TIME:.1%} of the speech has to come before the listener runs dry.",
        f"No pool is used more than {ScaleRule.target:.0%}. A card belongs to one stage. Engines keep their speed, and "
        "none fails: plan spares.",
        "Voice activity detection and the gateway are not in the pools: about one CPU core for 400 to 900 open "
        "microphones, and the gateway's own.",
    ]
    if plan.shards > 1:
        words.append(
            f"{plan.shards:,} shards of {plan.shard:,} speakers share nothing; one was simulated, and multiplied. "
            "Larger pools need no more than that."
        )
    return [*words, *plan.hardware.notes]


def page(plan: Plan) -> str:
    """The HTML."""
    ttfa = plan.report.ttfa["all"]
    head = (
        f"{plan.wish.speakers:,} people in conversation on {plan.hardware.title}: first audio after "
        f"{ttfa[0]:.2f} s for half of them, {ttfa[1]:.2f} s for 95 %, {ttfa[2]:.2f} s for 99 %."
    )
    rows = [
        (pool.pool, f"{pool.slots:,}", pool.unit, f"{pool.use:.0%}", _dollars(pool.usd_per_hour)) for pool in plan.pools
    ]
    total = [("all that has a price", "", "", "", _dollars(plan.usd_per_hour))]
    stages = [
        (stage.value, cost.basis, cost.source) for stage, cost in sorted(plan.hardware.stages.items(), key=_by_stage)
    ]
    kinds = plan.hardware.pools
    prices = [
        (pool.pool, _dollars(pool.usd_per_hour and pool.usd_per_hour / pool.slots), _source(plan, kinds.get(pool.pool)))
        for pool in plan.pools
        if pool.usd_per_hour is not None
    ]
    drawn = "\n".join(charts(plan).values()) if plan.points else ""
    listed = "\n".join(f"<li>{escape(text)}</li>" for text in assumptions(plan))
    return f"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>polytalk plan: {plan.wish.speakers:,} speakers</title><style>{STYLE}</style></head>
<body>
<h1>Capacity plan</h1>
<p>{escape(head)} {100 * plan.report.in_time:.2f} % of the speech came in time.</p>
{_table(("pool", "engines", "each is a", "use", "$ an hour"), [*rows, *total])}
<p>When more come, <b>{escape(plan.bottleneck.pool)}</b> runs out first.</p>
{drawn}
<h2>Taken for granted</h2>
<ul>{listed}</ul>
<h2>Where the costs come from</h2>
{_table(("stage", "basis", "source"), stages)}
{_table(("pool", "$ an hour each", "source"), prices) if prices else ""}
<p><small>{plan.simulations} simulations with seed {plan.wish.seed}.</small></p>
</body></html>
"""


def _by_stage(item: tuple[Stage, object]) -> int:
    return list(Stage).index(item[0])


def _source(plan: Plan, kind: PoolKind | None) -> str:
    if plan.wish.price is not None or kind is None:
        return "as given"
    return f"{kind.source}, {kind.date}"


def _dollars(amount: float | None) -> str:
    return "" if amount is None else f"{amount:,.2f}"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    body = "\n".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="wrap"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
