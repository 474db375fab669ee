"""A fuzzer for everything that reads bytes or text from outside: `make fuzz`, or `python -m fuzzing --help`.

Each target is a parser with its seeds. Inputs are mutated from what has led to something new before, which is told from
the outcome alone: the type of the result, or the words of the error without its numbers. A child process does the work
and writes each input down before it tries it, so that one that hangs or kills the process is known too.

What counts as a finding: an exception that is not ours, a call of more than a second, memory beyond a bound that grows
with the input, a dead or stuck process, and what a target asserts of its results.
"""
