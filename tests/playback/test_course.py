"""What is told of a play, from its states alone."""

import pytest

from custom_components.torrent_cast.playback import Happening, State
from custom_components.torrent_cast.playback.course import Course


def told(course: Course, *states: State, is_held: bool = False, has_just_jumped: bool = False) -> list[str | None]:
    return [course.go_on(state, is_held=is_held, has_just_jumped=has_just_jumped) for state in states]


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (["resolving", "buffering", "loading", "playing"], [None, None, None, "started"]),
        (["playing", "playing"], ["started", None]),
        (["playing", "stalled", "stalled", "playing"], ["started", "stalled", None, "resumed"]),
        (["playing", "stalled", "loading", "playing"], ["started", "stalled", None, "resumed"]),
        (["playing", "loading", "playing"], ["started", "stalled", "resumed"]),
        (["playing", "paused", "paused", "playing"], ["started", "paused", None, "resumed"]),
        (["playing", "paused", "stalled", "playing"], ["started", "paused", None, "resumed"]),
        (["playing", "stalled", "paused", "playing"], ["started", "stalled", "paused", "resumed"]),
        (["loading", "paused", "playing"], [None, None, "started"]),
        (["loading", "stalled", "playing"], [None, None, "started"]),
        (["playing", "finished"], ["started", "finished"]),
        (["resolving", "failed"], [None, "failed"]),
        (["buffering", "stopped"], [None, "stopped"]),
    ],
)
def test_states_tell_what_happens(states: list[str], expected: list[str | None]) -> None:
    assert told(Course(), *map(State, states)) == expected


def test_a_pause_of_our_own_is_a_stall() -> None:
    course = Course()
    told(course, State.PLAYING)
    assert told(course, State.PAUSED, is_held=True) == [Happening.STALLED]
    assert course.is_streaming
    assert told(course, State.PLAYING) == [Happening.RESUMED]


def test_the_break_after_a_jump_is_no_stall() -> None:
    course = Course()
    told(course, State.PLAYING)
    assert told(course, State.STALLED, State.PLAYING, has_just_jumped=True) == [None, None]


@pytest.mark.parametrize(
    ("state", "streams"),
    [(State.LOADING, False), (State.PLAYING, True), (State.PAUSED, False), (State.FINISHED, False)],
)
def test_what_is_on_the_screen_and_runs_is_streaming(state: State, streams: bool) -> None:
    course = Course()
    assert not course.is_streaming
    if state is not State.LOADING:
        told(course, State.PLAYING)
    told(course, state)
    assert course.is_streaming is streams
