"""Timers by due time, against a model that is a dictionary."""

from hypothesis import given
from hypothesis import strategies as st

from pupline.local.journal import _timers
from pupline.local.journal._timers import Timers

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("start"), st.integers(0, 5), st.integers(0, 20)),
        st.tuples(st.just("cancel"), st.integers(0, 5), st.just(0)),
        st.tuples(st.just("take"), st.just(0), st.integers(0, 20)),
    ),
    max_size=60,
)


@given(STEPS)
def test_timers_behave_like_a_dictionary_of_due_times(steps: list[tuple[str, int, int]]) -> None:
    """Starting again moves a timer, cancelling forgets it, taking gives what is due in the order it is due."""
    timers: Timers[int] = Timers()
    model: dict[int, int] = {}
    for step, key, time in steps:
        if step == "start":
            timers.start(key, time)
            model[key] = time
        elif step == "cancel":
            timers.cancel(key)
            model.pop(key, None)
        else:
            taken = timers.take_due(time)
            assert sorted(taken) == sorted(key for key, due in model.items() if due <= time)
            due_times = [model.pop(key) for key in taken]
            assert due_times == sorted(due_times)
        assert len(timers) == len(model)
        assert timers.next_due() == min(model.values(), default=None)


def test_cancelled_timers_do_not_pile_up() -> None:
    """Many time-outs that never fire leave a heap that is bounded."""
    timers: Timers[int] = Timers()
    for key in range(20_000):
        timers.start(key, 1e9)
        timers.cancel(key)
    assert len(timers._heap) <= _timers._SLACK + 1
