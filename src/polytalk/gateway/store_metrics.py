"""The store's part of `/metrics`."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from polytalk.store.store import Store

KINDS = ("session", "turn", "key_use")


def store_metrics(store: Store) -> Iterator[Metric]:
    """Whether the database is there, what waits for it, and what became of the rest."""
    up = 0.0 if store.wrong else 1.0
    yield GaugeMetricFamily("polytalk_store_up", "1 while the database can be used", value=up)
    waiting = float(store.writer.waiting)
    yield GaugeMetricFamily("polytalk_store_writes_waiting", "Writes that are not in the database yet", value=waiting)
    counts = (
        ("written", "Writes that are in the database", store.writer.written),
        ("dropped", "Writes that were lost, as too many waited or the process ended", store.writer.dropped),
        ("failed", "Writes that the database refused", store.writer.failed),
    )
    for name, text, counted in counts:
        family = CounterMetricFamily(f"polytalk_store_writes_{name}", text, labels=["kind"])
        for kind in sorted({*KINDS, *counted}):
            family.add_metric([kind], float(counted[kind]))
        yield family
