"""A fuzzer for every parser of bytes or text from outside: `make fuzz`, or `python -m fuzzing --help`.

Each target is a parser with its seeds. Inputs are mutated from earlier ones that had a new outcome: the type of
the result, or the text of the error without its numbers. A child process does the work and writes each input to a file
before it tries it, so that an input that hangs or kills the process is known, too.

Findings are: an exception that is not ours, a call of more than a second, memory beyond a bound that grows with the
input, a dead or hanging process, and a failed assertion of a target.
"""
