"""The Lambda functions: one module each, a pure function over ports and a thin `handler` around it.

Standard library and boto3 only, so that each function's zip holds nothing but pupline's own files.
"""
