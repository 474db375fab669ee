"""Tar files in the layout that webdataset reads: the files of a sample have one name and follow each other.

    00000042.jpg    the image, under this name whatever its type, which is `file_type` in the JSON
    00000042.json   its training row
    00000042.txt    its caption, in every sample of a dataset that has captions

The names of files are columns for Hugging Face `datasets`, and it wants the same ones in every sample. All decoders
recognise an image by its content. The tar headers have no time and no owner: the same samples give the same bytes.
"""

import io
import tarfile
from collections.abc import Mapping
from typing import Any, BinaryIO

from pupline.datasets.training._schema import TrainingSchema
from pupline.json_values import dumps

SHARD_TYPE = "application/x-tar"


def shard_name(number: int) -> str:
    """The name of a shard in its folder: `00000.tar`, `00001.tar`."""
    return f"{number:05d}.tar"


def sample_key(number: int) -> str:
    """The name of a sample's files up to their extension. It has no dot, which would end it for webdataset."""
    return f"{number:08d}"


class Shard:
    """One tar file, written to `file`, which stays open."""

    def __init__(self, file: BinaryIO, schema: TrainingSchema) -> None:
        self._schema = schema
        self._tar = tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115

    def add(self, number: int, row: Mapping[str, Any], image: bytes) -> None:
        """Add a sample. number: unique in the dataset."""
        key, found = sample_key(number), self._schema.json_object(row)
        self._add(f"{key}.jpg", image)
        self._add(f"{key}.json", dumps(found).encode())
        if self._schema.has_captions:
            self._add(f"{key}.txt", found["caption"].encode())

    def close(self) -> None:
        """Write the end of the archive."""
        self._tar.close()

    def _add(self, name: str, content: bytes) -> None:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        self._tar.addfile(info, io.BytesIO(content))
