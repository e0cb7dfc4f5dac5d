"""`/metrics`: what this process does, read when it is asked for."""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from polytalk.dialogue.runtime import Runtime
from polytalk.gateway.door import Door
from polytalk.gateway.status import Status
from polytalk.gateway.store_metrics import store_metrics
from polytalk.schedule.scale import ScaleRule, desired
from polytalk.store.store import Store

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics(Collector):
    """Reads workers, admission, bank and door; keeps nothing of its own."""

    def __init__(
        self,
        runtime: Runtime,
        door: Door,
        status: Status,
        store: Store | None = None,
        watching: Callable[[], int] = lambda: 0,
    ) -> None:
        """`watching`: how many watch calls of others."""
        self._runtime = runtime
        self._watching = watching
        self._store = store
        self._door = door
        self._status = status
        self._registry = CollectorRegistry()
        self._registry.register(self)

    async def serve(self, _: Request) -> Response:
        """The Prometheus text format."""
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE)

    def collect(self) -> Iterator[Metric]:
        """See prometheus_client."""
        yield _gauge("polytalk_ready", "1 when every engine has answered once", float(self._status.ready))
        yield _gauge("polytalk_sessions", "Sessions connected", float(self._door.inside))
        yield _gauge("polytalk_call_viewers", "Who watches calls of others", float(self._watching()))
        yield from self._workers()
        yield from self._admission()
        yield from self._bank()
        yield from self._cache()
        if self._store is not None:
            yield from store_metrics(self._store)

    def _workers(self) -> Iterator[Metric]:
        labels = ["stage", "engine"]
        waiting = GaugeMetricFamily("polytalk_jobs_waiting", "Jobs that wait for an engine", labels=labels)
        running = GaugeMetricFamily("polytalk_batches_running", "Batches or streams under way", labels=labels)
        jobs = CounterMetricFamily("polytalk_jobs", "Jobs done", labels=labels)
        queued = CounterMetricFamily("polytalk_job_queue_seconds", "Time that jobs waited", labels=labels)
        computed = CounterMetricFamily("polytalk_job_compute_seconds", "Time that engines worked", labels=labels)
        wasted = CounterMetricFamily(
            "polytalk_job_wasted_seconds", "Part of it spent on guesses that were dropped", labels=labels
        )
        slope = GaugeMetricFamily("polytalk_cost_slope_seconds", "Cost fit: seconds a unit", labels=labels)
        overhead = GaugeMetricFamily("polytalk_cost_overhead_seconds", "Cost fit: seconds a batch", labels=labels)
        error = GaugeMetricFamily("polytalk_cost_error_ratio", "Cost fit: mean relative error", labels=labels)
        wanted = GaugeMetricFamily("polytalk_workers_desired", "Engines that the load asks for", labels=labels)
        released = CounterMetricFamily(
            "polytalk_batches_released", "Batches, by why they were let go", labels=[*labels, "reason"]
        )
        for stats in self._runtime.workers.stats():
            at = [stats.stage.value, stats.engine]
            readings = (
                (waiting, stats.waiting),
                (running, stats.running),
                (jobs, stats.jobs),
                (queued, stats.queued),
                (computed, stats.computed),
                (wasted, stats.wasted),
                (slope, stats.slope),
                (overhead, stats.overhead),
                (error, stats.error),
                (wanted, desired(ScaleRule(), stats.load / stats.slots, stats.backlog / stats.slots)),
            )
            for family, value in readings:
                family.add_metric(at, float(value))
            for reason, count in stats.releases.items():
                released.add_metric([*at, reason.value], float(count))
        yield from (waiting, running, jobs, queued, computed, wasted, slope, overhead, error, wanted, released)

    def _admission(self) -> Iterator[Metric]:
        admission = self._runtime.gate.admission
        use = GaugeMetricFamily("polytalk_pool_promised_ratio", "Share of a pool that turns hold", labels=["pool"])
        for pool in admission.capacity:
            use.add_metric([pool], admission.use(pool))
        yield use
        yield _gauge("polytalk_turns_admitted", "Turns under way", float(len(admission.leases)))
        yield _gauge("polytalk_turns_waiting", "Turns that wait for room", float(admission.queued))
        shed = GaugeMetricFamily("polytalk_shed_level", "0: nobody is shed; 1: all standard turns", labels=["stage"])
        for stage, control in admission.delays.controls.items():
            shed.add_metric([stage], control.level)
        yield shed

    def _bank(self) -> Iterator[Metric]:
        names = {
            "entitled": "Compute-seconds a second that are its own",
            "balance": "Compute-seconds kept",
            "offered": "Compute-seconds offered to others",
            "borrowed": "Compute-seconds borrowed and not repaid",
            "lent": "Compute-seconds lent and not repaid",
            "debt": "Compute-seconds owed, advances included",
        }
        used = CounterMetricFamily("polytalk_bank_used_seconds", "Compute-seconds used", labels=["tenant"])
        gauges = {
            name: GaugeMetricFamily(f"polytalk_bank_{name}", text, labels=["tenant"]) for name, text in names.items()
        }
        for account in self._runtime.bank.accounts.values():
            used.add_metric([account.tenant], account.used)
            gauges["entitled"].add_metric([account.tenant], account.entitlement)
            for name in ("balance", "offered", "borrowed", "lent", "debt"):
                gauges[name].add_metric([account.tenant], getattr(account, name))
        yield used
        yield from gauges.values()

    def _cache(self) -> Iterator[Metric]:
        labels = ["tier"]
        counters = {
            "hits": CounterMetricFamily("polytalk_cache_hits", "Renderings found", labels=labels),
            "misses": CounterMetricFamily("polytalk_cache_misses", "Renderings not found", labels=labels),
            "hit_bytes": CounterMetricFamily("polytalk_cache_hit_bytes", "Bytes found", labels=labels),
            "evicted": CounterMetricFamily("polytalk_cache_evicted", "Entries that went for others", labels=labels),
            "refused": CounterMetricFamily("polytalk_cache_refused", "Entries not worth their place", labels=labels),
            "corrupt": CounterMetricFamily("polytalk_cache_corrupt", "Entries that were damaged", labels=labels),
        }
        used = GaugeMetricFamily("polytalk_cache_bytes", "Bytes kept", labels=labels)
        capacity = GaugeMetricFamily("polytalk_cache_capacity_bytes", "Bytes that may be kept", labels=labels)
        entries = GaugeMetricFamily("polytalk_cache_entries", "Renderings kept", labels=labels)
        for tier in self._runtime.tiers.all:
            for name, family in counters.items():
                family.add_metric([tier.name], float(getattr(tier.tally, name)))
            used.add_metric([tier.name], float(tier.used))
            capacity.add_metric([tier.name], float(tier.capacity))
            entries.add_metric([tier.name], float(len(tier)))
        yield from (*counters.values(), used, capacity, entries)
        renders = CounterMetricFamily("polytalk_renders", "Requests for speech or a mouth", labels=["served"])
        asked = self._runtime.studio.renders.asked
        for how in ("kept", "shared", "computed"):
            renders.add_metric([how], float(getattr(asked, how)))
        yield renders


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)
