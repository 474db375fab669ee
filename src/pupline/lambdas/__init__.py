"""The Lambda entry points: one module each, with a thin `handler` whose services are made while it is imported.

In Lambda that is the initialisation, which has a whole processor whatever the function's memory. Elsewhere the import
reads no setting and makes no client. Each invocation prints one line of JSON; `METRICS_NAMESPACE` is the namespace of
the metrics in it, unset for none.

Standard library and boto3 only, so that each function's zip holds nothing but pupline's own files.
"""
