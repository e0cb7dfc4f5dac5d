"""What is counted while a simulation runs, and the report made of it."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from polytalk.sim.call import Call
from polytalk.types import Seconds, Stage, Tier

IN_TIME = 0.999
"""A speaker is served when this share of its speech came in time."""
PROMPT: Seconds = 1.0
"""A turn is good when its audio begins within this, from its end of speech or from its admission, and has no gap."""


def percentile(values: Sequence[float], percent: float) -> float:
    """Nearest rank; NaN of nothing."""
    if not values:
        return float("nan")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def jain(shares: Iterable[float]) -> float:
    """Jain's index of fairness: 1 when all shares are equal, 1/n when one has all (Jain, Chiu and Hawe, 1984)."""
    found = list(shares)
    squares = sum(share * share for share in found)
    return sum(found) ** 2 / (len(found) * squares) if squares > 0 else 1.0


@dataclass
class Tally:
    """Counters of the judged turns."""

    prompt: Seconds
    settle: Seconds
    until: Seconds
    """Between these moments audio must begin to count as goodput."""
    first: dict[Tier, "array[float]"] = field(default_factory=lambda: defaultdict(lambda: array("d")))
    """End of speech to first audio."""
    queued: "array[float]" = field(default_factory=lambda: array("d"))
    """Time in the admission's queue, of those that stood in it."""
    outcomes: Counter[str] = field(default_factory=Counter)
    asked: int = 0
    good: int = 0
    good_prompt: int = 0
    """Good ones that did not have to stand in the queue long either."""
    chunks: int = 0
    late: int = 0
    lateness: Seconds = 0.0
    """Silence that listeners heard because audio came late."""
    spoken: Seconds = 0.0
    wasted: Seconds = 0.0
    """Speech that was made and not heard."""
    served: Counter[str] = field(default_factory=Counter)
    """Tenant -> turns finished."""

    def began(self, call: Call, now: Seconds) -> None:
        """The first audio of a turn is sent."""
        self.first[call.tier].append(now - call.asked_at)
        if call.admitted > call.asked_at:
            self.queued.append(max(0.0, call.admitted - call.asked_at))

    def ended(self, call: Call, how: str, now: Seconds) -> None:
        """A judged turn is over: heard, interrupted, refused."""
        self.outcomes[how] += 1
        if how == "refused":
            return
        self.served[call.tenant] += 1
        started = call.playout.started
        if started is None:  # interrupted before it began: nothing was missed, nothing was heard
            self.wasted += call.made
            return
        self.wasted += max(0.0, call.made - call.playout.heard(now))
        self.lateness += call.playout.waited

    def weigh(self, call: Call) -> None:
        """Whether a turn that ended, judged or not, was good."""
        if call.playout.started is None:
            return
        first = call.playout.started - call.playout.waited
        if not self.settle <= first <= self.until:
            return
        if call.playout.waited <= 0 and first - call.admitted <= self.prompt:
            self.good += 1
            self.good_prompt += first - call.asked_at <= self.prompt


@dataclass(frozen=True)
class Report:
    """One simulation's result. Times in seconds."""

    policy: str
    workload: str
    seed: int
    span: Seconds
    """Over which turns were judged."""
    sessions: int
    turns: int
    outcomes: Mapping[str, int]
    ttfa: Mapping[str, tuple[float, float, float]]
    """Tier, and "all" -> p50, p95, p99."""
    underruns: float
    """Share of the chunks that came late."""
    in_time: float
    """Share of the speech (and so of the frames) that came in time."""
    speakers_in_time: float
    """Share of sessions of which at least 99.9 % of the speech came in time."""
    goodput: float
    """Turns a second that began within a second of their admission and had no gap."""
    prompt_goodput: float
    """The same, from the end of the user's speech: standing in a queue counts."""
    queued_p95: Seconds
    wasted: float
    """Share of the synthesised speech that nobody heard."""
    use: Mapping[str, float]
    """Pool -> share of its slots' time that was computed in."""
    jobs: Mapping[str, Mapping[str, int]]
    """Stage -> created, finished, cancelled."""
    releases: Mapping[str, Mapping[str, int]]
    """Stage -> why batches were let go."""
    fairness: float
    """Jain's index over tenants' finished turns."""

    @property
    def p95(self) -> Seconds:
        """Time to first audio of all tiers."""
        return self.ttfa["all"][1]


def percentiles(first: Mapping[Tier, "array[float]"]) -> dict[str, tuple[float, float, float]]:
    """p50, p95, p99 of each tier, and of all that somebody waits for."""
    groups: dict[str, Sequence[float]] = {tier.value: values for tier, values in first.items()}
    groups["all"] = [value for tier, values in first.items() if tier is not Tier.BATCH for value in values]
    return {name: (percentile(got, 50), percentile(got, 95), percentile(got, 99)) for name, got in groups.items()}


def shares(calls: Iterable[Call]) -> float:
    """Share of the sessions that were served in time, among those that were sent anything."""
    heard = [call for call in calls if call.owed > 0]
    return sum(call.late <= (1 - IN_TIME) * call.owed for call in heard) / len(heard) if heard else 1.0


def stage_names(counts: Mapping[Stage, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    """For a report, which is printed."""
    return {stage.value: dict(found) for stage, found in counts.items()}
