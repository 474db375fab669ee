"""Exports: the clean dataset in one place, from any number of runs.

    with ExportDirectory(Path("dogs"), ExportHeader("dogs", "folders"), link=True) as target:
        report = export_dataset(store, ExportRequest(dataset="dogs"), target)

`_run` has the whole in order; `_directory` decides the order of writes.
"""

from pupline.datasets.export._bucket import ExportPrefix
from pupline.datasets.export._directory import ExportDirectory
from pupline.datasets.export._forms import ExportFormat
from pupline.datasets.export._list import ListFile, list_kind
from pupline.datasets.export._manifest import ExportHeader
from pupline.datasets.export._report import ExportReport, LeftOut
from pupline.datasets.export._run import ExportRequest, Progress, export_dataset
from pupline.datasets.export._target import ExportTarget

__all__ = [
    "ExportDirectory",
    "ExportFormat",
    "ExportHeader",
    "ExportPrefix",
    "ExportReport",
    "ExportRequest",
    "ExportTarget",
    "LeftOut",
    "ListFile",
    "Progress",
    "export_dataset",
    "list_kind",
]
