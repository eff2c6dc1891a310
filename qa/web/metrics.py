"""`GET /metrics`: what Prometheus scrapes of one server, in its text format.

Everything is read when it is asked for, from what the server counts anyway; each site has a registry
of its own, so that two in one process do not mix. Needs the package `prometheus-client`, an extra.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import accumulate

from prometheus_client import CollectorRegistry, Metric, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)

from qa.records import Status
from qa.web.health import DEGRADED, FAILING, OK
from qa.web.site import Site
from qa.web.tally import BOUNDS

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def scraper(site: Site) -> Callable[[], bytes]:
    """A function that gives the metrics of a site as text."""
    registry = CollectorRegistry()
    registry.register(_SiteCollector(site))
    ProcessCollector(registry=registry)  # memory, processor time, open files: on Linux
    return lambda: generate_latest(registry)


class _SiteCollector:
    """Reads what a site counts."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._files: tuple[str, Counter[str]] = ("", Counter())  # of a snapshot

    def collect(self) -> Iterator[Metric]:
        """The metrics as they are now."""
        yield from self._questions()
        yield from self._builds()
        yield from self._index()

    def _questions(self) -> Iterator[Metric]:
        tally = self._site.tally
        questions = CounterMetricFamily(
            "qa_questions", "Questions by what became of them.", labels=["outcome"]
        )
        for outcome, count in tally.outcomes.items():
            questions.add_metric([outcome], count)
        yield questions
        yield self._latency()
        rejected = CounterMetricFamily(
            "qa_rejected_requests",
            "Requests that were not let in, by the reason.",
            labels=["reason"],
        )
        for reason, count in tally.rejected.items():
            rejected.add_metric([reason], count)
        yield rejected

    def _latency(self) -> HistogramMetricFamily:
        latency = self._site.tally.latency
        bounds = [*map(str, BOUNDS), "+Inf"]
        buckets = list(zip(bounds, accumulate(latency.counts), strict=True))
        about = "Seconds from a question to its answer, the wait for a turn included."
        return HistogramMetricFamily("qa_question_seconds", about, buckets, latency.seconds)

    def _builds(self) -> Iterator[Metric]:
        rebuilder = self._site.rebuilder
        builds = CounterMetricFamily("qa_builds", "Rebuilds by how they ended.", labels=["outcome"])
        builds.add_metric(["done"], rebuilder.done)
        builds.add_metric(["failed"], rebuilder.failed)
        yield builds
        about = "Seconds that all rebuilds took that were done."
        yield CounterMetricFamily("qa_build_seconds", about, rebuilder.seconds)
        running = float(rebuilder.state.running)
        yield GaugeMetricFamily("qa_build_running", "1 while a rebuild runs.", running)

    def _index(self) -> Iterator[Metric]:
        qa = self._site.qa
        manifest = qa.manifest
        files = GaugeMetricFamily("qa_files", "Files by status.", labels=["status"])
        for status, count in self._by_status().items():
            files.add_metric([status], count)
        yield files
        for name, count in (("documents", manifest.documents), ("passages", manifest.passages)):
            yield GaugeMetricFamily(f"qa_{name}", f"{name.title()} that answer.", count)
        age = datetime.now(UTC) - datetime.fromisoformat(manifest.created)
        about = "Seconds since the snapshot that answers was built."
        yield GaugeMetricFamily("qa_snapshot_age_seconds", about, age.total_seconds())
        health = GaugeMetricFamily("qa_health", "1 for the service's status.", labels=["status"])
        now = self._site.monitor.health.status
        for status in (OK, DEGRADED, FAILING):
            health.add_metric([status], float(status == now))
        yield health

    def _by_status(self) -> Counter[str]:
        """How many files have each status, counted once for a snapshot."""
        name = self._site.qa.manifest.created + self._site.qa.manifest.snapshot
        if self._files[0] != name:
            zero = dict.fromkeys(map(str, Status), 0)
            counts = Counter(zero)
            counts.update(str(file.status) for file in self._site.qa.files())
            self._files = (name, counts)
        return self._files[1]
