"""Answers that come later: mocks of slow tasks, and of workers that send heartbeats."""

import threading
from collections.abc import Callable

from pupline.asl import Delayed, Fact, TaskHeartbeat


class Delays:
    """Timers that run. A call whose process ends in between is repeated, and so is its delay."""

    def __init__(self) -> None:
        self._timers: set[threading.Timer] = set()

    def answer(self, command_id: str, delayed: Delayed, answer: Callable[[Fact], None]) -> None:
        """Heartbeats until then, and the fact at last; without a fact, nothing."""
        every = delayed.heartbeat_every
        if every and every < delayed.seconds:
            rest = Delayed(delayed.seconds - every, delayed.fact, every)

            def beat() -> None:
                answer(TaskHeartbeat(command_id))
                self.answer(command_id, rest, answer)

            self.after(every, beat)
        elif delayed.fact is not None:
            fact = delayed.fact
            self.after(delayed.seconds, lambda: answer(fact))

    def close(self) -> None:
        """Cancel all."""
        for timer in list(self._timers):
            timer.cancel()

    def after(self, seconds: float, call: Callable[[], None]) -> None:
        """Call later, in a thread that must not be kept."""

        def run() -> None:
            self._timers.discard(timer)
            call()

        timer = threading.Timer(seconds, run)
        timer.daemon = True
        self._timers.add(timer)
        timer.start()
