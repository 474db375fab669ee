"""The Lambda entry points: one module each, with a thin `handler` that wires its task to AWS at the first call.

Standard library and boto3 only, so that each function's zip holds nothing but pupline's own files.
"""
