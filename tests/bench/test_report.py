"""The report says what the results file says, the same every time, and nothing that was not measured."""

from pathlib import Path
from typing import Any

import pytest

from tests.bench import report
from tests.bench.results import Result, Series, percentile, table
from tests.bench.targets import TARGETS


@pytest.fixture
def results() -> dict[str, Any]:
    """Return a file with one scenario."""
    start = Result("s", limit=0.25)
    start.of("torrent-cast").runs = [0.3, 0.5, 0.4]
    start.of("torrent-cast").notes["version"] = "1"
    start.of("peerflix").runs = [1.0]
    start.of("btfs").skipped = "not there"
    return {"engine-start": start.as_json(), "machine": {"cores": 2}, "versions": {"python": "3"}}


def test_a_series_gives_its_runs_and_the_ratio_to_the_limit() -> None:
    series = Series([3.0, 1.0, 2.0])
    series.see("extra", 4.0)
    series.see("extra", 6.0)

    assert series.as_json(limit=0.5) == {
        "median": 2.0,
        "p95": 3.0,
        "best": 1.0,
        "worst": 3.0,
        "ratio": 4.0,
        "runs": [3.0, 1.0, 2.0],
        "extra": 5.0,
    }


def test_a_percentile_is_one_of_the_values() -> None:
    assert percentile(list(range(1, 21)), 95) == 19
    assert percentile([7.0], 50) == 7.0


def test_the_page_has_the_figures_and_the_verdicts(results: dict[str, Any], tmp_path: Path) -> None:
    page = "\n".join(report.page(results, _with_images(tmp_path)))

    assert "| Start: torrent file to first byte | ≤ 0.4 s | 0.4 s | yes |" in page
    assert "| Start: 0.8 of the best other player | ≤ 0.8 s | 0.4 s | yes |" in page
    assert "| torrent-cast | 0.4 | 0.5 | 0.5 | 1.6 | 3 |" in page
    assert "Not measured: btfs (not there)." in page


def test_parts_measured_at_other_times_say_with_what(results: dict[str, Any], tmp_path: Path) -> None:
    later = Result("s", limit=0.25)
    later.of("torrent-cast").runs = [0.3]
    later.of("torrent-cast").notes["version"] = "2"
    later.notes |= {"code": "2", "took": 60, "load_before": 0.1}

    page = "\n".join(report.page(results | {"engine-seek-steady": later.as_json()}, _with_images(tmp_path)))

    assert "Measured with 2 in 60 s." in page
    assert "| torrent-cast | 1; 2 |" in page


def test_a_person_at_the_terminal_sees_what_else_was_seen() -> None:
    result = Result("MB/s")
    result.of("nginx").runs = [2.0]
    result.of("nginx").see("cpu_per_gb", 0.3)

    assert table("engine-serve", result.as_json())[-1].endswith("1  cpu_per_gb 0.3")


def test_what_was_not_measured_is_not_mentioned(results: dict[str, Any], tmp_path: Path) -> None:
    page = "\n".join(report.page(results, _with_images(tmp_path)))

    assert "Seek" not in page
    assert "nginx" not in page


def test_the_same_results_give_the_same_page_and_plots(results: dict[str, Any], tmp_path: Path) -> None:
    for name in ("one", "other"):
        report.write(results, tmp_path / name / "page.md")

    for file in ("page.md", "images/bench-engine-start.svg"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "other" / file).read_bytes()


def test_a_missed_target_is_said(results: dict[str, Any], tmp_path: Path) -> None:
    results["engine-start"]["series"]["torrent-cast"]["median"] = 0.9

    page = "\n".join(report.page(results, _with_images(tmp_path)))

    assert "| Start: torrent file to first byte | ≤ 0.4 s | 0.9 s | **no** |" in page


def test_every_target_is_of_a_chapter() -> None:
    assert {target.scenario for target in TARGETS} <= report.CHAPTERS.keys()


def _with_images(folder: Path) -> Path:
    (folder / report.IMAGES).mkdir()
    return folder
