"""The report says what the results file says, the same every time, and nothing that was not measured."""

from pathlib import Path
from typing import Any

import pytest

from tests.bench import report
from tests.bench.results import Result, Series, figures, percentile, table
from tests.bench.scenarios import LIMITS, SCENARIOS
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

    assert "| Start: torrent file to first byte | ≤ 0.4 s | 0.4 s | 1.82 | yes |" in page
    assert "| Start: 0.8 of the best other player | ≤ 0.8 s | 0.4 s | 1.82 | yes |" in page
    assert "| torrent-cast | 0.4 (1.82) | 0.5 (2.28) | 0.5 (2.28) | 3 |" in page
    assert "| Start | 3 | torrent-cast, peerflix | All that can be had here. |" in page
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


def test_a_missed_target_is_said_and_why(results: dict[str, Any], tmp_path: Path) -> None:
    results["engine-start"]["series"]["torrent-cast"]["runs"] = [0.9]

    page = "\n".join(report.page(results, _with_images(tmp_path)))

    assert "| Start: torrent file to first byte | ≤ 0.4 s | 0.9 s | 4.11 | **no** |" in page
    assert "- **Start: torrent file to first byte**: 0.9 s instead of at most 0.4 s, 125 % more. What is above" in page


def test_where_nothing_is_missed_nothing_is_explained(results: dict[str, Any], tmp_path: Path) -> None:
    assert "### What is missed" not in "\n".join(report.page(results, _with_images(tmp_path)))


def test_a_failed_run_is_worse_than_all_others() -> None:
    assert figures([1.0], failed=4) == {"median": None, "p95": None, "best": 1.0, "worst": None}
    assert figures([4.0, 1.0, 2.0, 3.0], failed=1)["median"] == 3.0
    assert figures([1.0, 2.0], failed=2)["median"] is None


def test_where_more_is_better_the_worst_is_the_least() -> None:
    found = figures([5.0, 1.0, 3.0], more_is_better=True)
    assert found == {"median": 3.0, "p95": 1.0, "best": 5.0, "worst": 1.0}
    assert figures([5.0, 3.0], failed=1, more_is_better=True)["median"] == 3.0


def test_what_is_written_counts_failed_rounds_with_all_their_figures() -> None:
    seek = Result("s", per_round=4)
    seek.of("torrent-cast").runs = [1.0, 2.0, 3.0]
    seek.of("torrent-cast").fail("TimeoutError")

    series: Any = seek.as_json()["series"]
    data = series["torrent-cast"]

    assert data["median"] is None
    assert (data["best"], data["failed"], data["failure"]) == (1.0, 1, "TimeoutError")
    assert table("engine-seek-steady", seek.as_json())[-1].split()[1:4] == ["failed"] * 3


def test_the_median_of_those_that_are_left_is_no_median(results: dict[str, Any], tmp_path: Path) -> None:
    """As in results that were written when it was."""
    results["engine-start"]["series"]["libtorrent-deadlines"] = {"median": 0.1, "runs": [0.1], "failed": 4}

    page = "\n".join(report.page(results, _with_images(tmp_path)))

    assert "| libtorrent-deadlines | failed | failed | failed | 1 (4 of 5 rounds failed) |" in page
    assert "libtorrent-deadlines failed whenever it followed" in page
    assert "| Start: 0.8 of the best other player | ≤ 0.8 s |" in page


def test_who_failed_once_is_not_the_best_other_player(results: dict[str, Any], tmp_path: Path) -> None:
    results["engine-start"]["series"]["webtorrent"] = {"median": 0.1, "runs": [0.1] * 4, "failed": 1}

    page = "\n".join(report.page(results, _with_images(tmp_path)))

    assert "| Start: 0.8 of the best other player | ≤ 0.8 s |" in page
    assert "| webtorrent | 0.1 (0.456) | failed | failed | 4 (1 of 5 rounds failed) |" in page


def test_who_failed_in_all_rounds_is_named(results: dict[str, Any], tmp_path: Path) -> None:
    results["engine-start"]["series"]["webtorrent"] = {"skipped": "TimeoutError", "failed": 2}

    page = "\n".join(report.page(results, _with_images(tmp_path)))

    assert "| webtorrent | failed | failed | failed | 0 (2 of 2 rounds failed) |" in page
    assert "Failed: webtorrent (TimeoutError)." in page
    assert "libtorrent-deadlines" not in page


@pytest.mark.parametrize(
    ("ours", "measured", "by"),
    [
        ({"runs": [0.3] * 4, "failed": 1}, "0.3 s", "0.3 s, but a round failed."),
        ({"runs": [0.3], "failed": 4}, "failed", "a round failed."),
        ({"skipped": "TimeoutError", "failed": 2}, "failed", "a round failed."),
    ],
)
def test_a_target_is_missed_with_a_round_of_ours_that_fails(
    results: dict[str, Any], tmp_path: Path, ours: dict[str, Any], measured: str, by: str
) -> None:
    results["engine-start"]["series"]["torrent-cast"] = ours

    page = report.page(results, _with_images(tmp_path))

    lines = [line for line in page if "Start: torrent file to first byte" in line]
    assert lines[0].startswith(f"| Start: torrent file to first byte | ≤ 0.4 s | {measured} |")
    assert lines[0].endswith("**no** |")
    assert by in lines[1]


def test_a_limit_that_was_mended_since_holds_for_what_was_measured_before(tmp_path: Path) -> None:
    far = Result("s", limit=0.4497)
    far.of("torrent-cast").runs = [0.405]

    page = "\n".join(report.page({"engine-start-far": far.as_json()}, _with_images(tmp_path)))

    assert "Limit: 0.319 s; `reader` 0.319." in page
    assert "| torrent-cast | 0.405 (1.27) |" in page


def test_what_was_seen_beside_a_figure_has_its_own_limit(tmp_path: Path) -> None:
    seek = Result("s")
    seek.of("torrent-cast").runs = [0.3] * 4
    seek.of("torrent-cast").see("two_mib", 0.8)

    page = "\n".join(report.page({"engine-seek-steady": seek.as_json()}, _with_images(tmp_path)))

    assert "Limit: 0.219 s; `reader` 0.219; `two_mib` 0.719." in page
    assert "| torrent-cast | 0.3 (1.37) | 0.3 (1.37) | 0.3 (1.37) | 4 | 0.8 (1.11) |" in page
    assert "| Seek, enough in hand | 1 | torrent-cast |" in page


def test_a_limit_of_nothing_is_printed(tmp_path: Path) -> None:
    hold = Result("s stalled", limit=0.0)
    hold.of("torrent-cast").runs = [0.0]

    page = "\n".join(report.page({"engine-hold": hold.as_json()}, _with_images(tmp_path)))

    assert "Limit: 0 s stalled; `head` 1.56." in page
    assert "| torrent-cast | 0 | 0 | 0 | 1 |" in page


def test_where_no_player_of_node_was_measured_nothing_is_compared_with_it(tmp_path: Path) -> None:
    download = Result("MB per CPU second")
    download.of("torrent-cast").runs = [200.0]
    download.of("peerflix").skipped = "no node"

    page = "\n".join(report.page({"engine-download": download.as_json()}, _with_images(tmp_path)))

    assert "best of Node" not in page
    assert "No limit: the links are not shaped" in page


def test_every_scenario_says_who_was_measured_and_what_its_limit_is() -> None:
    assert SCENARIOS.keys() == report.CHAPTERS.keys() == report.COMPARED.keys()
    assert SCENARIOS.keys() == LIMITS.keys() | report.UNLIMITED.keys()
    assert not LIMITS.keys() & report.UNLIMITED.keys()


def test_every_target_is_of_a_chapter() -> None:
    assert {target.scenario for target in TARGETS} <= report.CHAPTERS.keys()


def _with_images(folder: Path) -> Path:
    (folder / report.IMAGES).mkdir()
    return folder
