"""Costly figures are not counted again at once."""

from pupline.console.ingests._recent import Recent


def test_value_is_kept_in_proportion_to_its_cost() -> None:
    """What took 0.1 s is made again after 5 s; what took an hour, after 30 s; other keys are other values."""
    now = [100.0]
    recent: Recent[int] = Recent(lambda: now[0])
    made: list[str] = []

    def make(key: str, seconds: float) -> int:
        made.append(key)
        now[0] += seconds
        return len(made)

    assert [recent.get("a", lambda: make("a", 0.1)) for _ in range(3)] == [1, 1, 1]
    now[0] += 4.9
    assert recent.get("a", lambda: make("a", 0.1)) == 1
    assert recent.get("b", lambda: make("b", 3600.0)) == 2
    assert recent.get("a", lambda: make("a", 0.1)) == 3
    now[0] += 29.0
    assert recent.get("b", lambda: make("b", 0.0)) == 2
    now[0] += 2.0
    assert recent.get("b", lambda: make("b", 0.0)) == 4


def test_number_of_values_is_bounded() -> None:
    """Names from URLs do not fill the memory."""
    recent: Recent[int] = Recent()
    for number in range(1000):
        recent.get(number, lambda: 1)
    assert len(recent._values) <= 64
