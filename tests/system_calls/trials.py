"""Does a command again and again, each time with one thing that goes wrong, and says what is wrong afterwards."""

import os
import random
import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.system_calls.faults import Kind
from tests.system_calls.plan import Action, Call, Fault, Target
from tests.system_calls.prepared_pupline import Ended, PreparedPupline
from tests.system_calls.worlds import Served, Work, copy, filled, problems_now, state_of, without_numbers, without_times

SEED = int(os.environ.get("SYSTEM_CALL_SEED", "1"))
DENSITY = float(os.environ.get("SYSTEM_CALL_DENSITY", "1"))
"""How many times as many trials as in `make test-long`."""

LATER = (0, 3600, 30 * 86400, -3600)
"""Seconds by which the clock has moved when the command starts again: none, an hour, a month, an hour back."""


@dataclass
class Trials:
    """The trials of one command. undisturbed, expected: how it ends when nothing is wrong, and what it leaves."""

    pupline: PreparedPupline
    served: Served
    work: Work
    template: Path = field(init=False)
    undisturbed: Ended = field(init=False)
    expected: dict[str, object] = field(init=False)
    calls: list[Call] = field(init=False)

    def __post_init__(self) -> None:
        pupline, work = self.pupline, self.work
        self.words = filled(work.words, pupline, self.served)
        if work.before:
            pupline.start()
        for step in work.before:
            step(pupline, self.served)
        pupline.set_clock(0)
        self._known = problems_now(pupline.data)
        self.template = pupline.base / "template"
        copy(pupline.world, self.template)
        self.undisturbed = pupline.load_what_it_loads(*self.words)
        assert self.undisturbed.returncode in {0, 1}, self.undisturbed
        self.expected = state_of(pupline.world)
        work.check(pupline, self.served)
        shutil.rmtree(pupline.world)
        copy(self.template, pupline.world)
        again = pupline(*self.words, fault=Fault())
        self.calls = list(pupline.plan.calls())
        self.prints_the_same = without_times(again.stdout) == without_times(self.undisturbed.stdout)
        assert state_of(pupline.world) == self.expected, f"{state_of(pupline.world)}\n{self.expected}\n{again}"

    def chosen(self, kinds: Sequence[Kind], count: int) -> Iterator[Fault]:
        """So many faults, of the kinds by turns: first a place is drawn, then one of its calls."""
        chance = random.Random(f"{SEED}-{self.work.name}")
        for number in range(round(count * DENSITY)):
            kind = kinds[number % len(kinds)]
            places: dict[tuple[bool, str, str], list[Call]] = defaultdict(list)
            for call in self.calls:
                is_coordinator = call.process == self.calls[0].process
                if call.needs & kind.needs and kind.targets & (Target.COORDINATOR if is_coordinator else Target.WORKER):
                    places[is_coordinator, call.name, without_numbers(call.path)].append(call)
            if places:
                yield kind.at(chance.choice(places[chance.choice(sorted(places))]).number)

    def problems(self, fault: Fault, clock: int) -> list[str]:
        """What is wrong after the fault, and after another start with a clock that has moved."""
        pupline = self.pupline
        shutil.rmtree(pupline.world)
        copy(self.template, pupline.world)
        pupline.set_clock(0)
        ended = pupline(*self.words, fault=fault)
        found = list(self._of_end(fault, ended))
        if not self.work.removes:
            found += [problem for problem in problems_now(pupline.data) if problem not in self._known]
        if not self._has_finished(ended):
            pupline.set_clock(clock)
            again = pupline(*self.words)
            if again.returncode not in {0, 1, 2} or "Traceback" in again.stderr:
                found.append(f"started again: {again}")
        elif self.prints_the_same and without_times(ended.stdout) != without_times(self.undisturbed.stdout):
            found.append(f"it printed {ended.stdout[-500:]!r} as if nothing were missing")
        found += self._of_state()
        return [f"{self.work.name}, {fault}: {problem}\n{ended}" for problem in found]

    def _of_end(self, fault: Fault, ended: Ended) -> Iterator[str]:
        """What is wrong with how the command ended."""
        if ended.returncode is None:
            yield "it hangs"
        if "Traceback" in ended.stderr:
            yield "a traceback"
        elif fault.action is Action.KILL and Target.COORDINATOR in fault.targets:
            if ended.struck and ended.returncode != -9:
                yield "it was not killed"
        elif fault.action in {Action.KILL, Action.STOP}:
            if not self._has_finished(ended):
                yield "it did not go on without the worker"
        elif not self._has_finished(ended):
            if ended.returncode not in {1, 2}:
                yield f"exit code {ended.returncode} with something to say"
            if len(self._new_messages(ended)) != 1:
                yield "not one line"

    def _has_finished(self, ended: Ended) -> bool:
        """Whether it ended as if nothing had been wrong."""
        return ended.returncode == self.undisturbed.returncode and not self._new_messages(ended)

    def _new_messages(self, ended: Ended) -> list[str]:
        """What it said of trouble, but for a file in `tmp` that it could not remove, with which it goes on."""
        new = [line for line in ended.messages if line not in self.undisturbed.messages]
        return [line for line in new if "to be emptied at each start" not in line]

    def _of_state(self) -> Iterator[str]:
        """What is wrong with what it left, when it has finished."""
        try:
            state = state_of(self.pupline.world)
            if state != self.expected:
                different = {
                    name: (state[name], self.expected[name]) for name in state if state[name] != self.expected[name]
                }
                yield f"left (and should have): {different}"
            self.work.check(self.pupline, self.served)
        except AssertionError as err:
            yield f"{err}"
