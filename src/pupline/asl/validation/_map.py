"""The checks of a Map state, inline and distributed."""

import re
from collections.abc import Callable

from pupline.asl.states import is_reader, is_writer, not_recognized
from pupline.asl.validation import _fields as fields
from pupline.asl.validation._expressions import check_jsonata, check_template
from pupline.asl.validation._placeholders import has_placeholder
from pupline.asl.validation._report import Place

#: Not allowed in a Map's Label, as it becomes part of ARNs. Source: AWS, "Distributed Map state fields", Label.
_NOT_IN_LABEL = re.compile(r"""[\s?*<>{}\[\]:;,\\|^~$#%&`"\x00-\x1f\x7f-\x9f]""")

_BATCHES = ("MaxItemsPerBatch", "MaxInputBytesPerBatch")


def check_map(place: Place) -> list[Place]:
    """Check a Map state; returns its item processor, if it has one."""
    if "Iterator" not in place.value:
        place.required("ItemProcessor")
    distributed, found = False, []
    for name in ("ItemProcessor", "Iterator"):
        processor = place.object(name)
        if processor is not None:
            processor.allow_only(fields.PROCESSOR)
            distributed = _check_config(processor)
            found.append(processor)
    if not distributed and found:
        for name in fields.DISTRIBUTED_ONLY:
            if name in place.value:
                message = f"Field '{name}' is only supported when the Map's Mode is 'DISTRIBUTED'"
                place.add_problem(message, field=name)
    _check_values(place)
    _check_parts(place)
    return found


def is_distributed(processor: Place) -> bool:
    """Whether an item processor runs in executions of its own."""
    config = processor.value.get("ProcessorConfig")
    return isinstance(config, dict) and config.get("Mode") == "DISTRIBUTED"


def _check_config(processor: Place) -> bool:
    """Check a ProcessorConfig; returns whether the Map is, or may be, distributed."""
    config = processor.object("ProcessorConfig")
    if config is None:
        return "ProcessorConfig" in processor.value or "ProcessorConfig" in processor.meant
    config.allow_only(("Mode", "ExecutionType", "Comment"))
    config.one_of("Mode", ("INLINE", "DISTRIBUTED"))
    config.one_of("ExecutionType", ("STANDARD", "EXPRESS"))
    mode = config.value.get("Mode", "INLINE")
    if mode == "DISTRIBUTED":
        config.required("ExecutionType")
        if config.report.machine_type == "EXPRESS":
            config.add_problem("Express state machine does not support a Map in DISTRIBUTED mode", "Mode")
    return mode != "INLINE" or "Mode" in config.meant


def _check_values(place: Place) -> None:
    place.integer("MaxConcurrency", least=0)
    place.integer("ToleratedFailureCount", least=0)
    place.number("ToleratedFailurePercentage", least=0, most=100)
    if place.language == "JSONPath":
        for name in ("ItemsPath", "MaxConcurrencyPath", "ToleratedFailureCountPath"):
            place.path_field(name, reference=True)
        place.path_field("ToleratedFailurePercentagePath", reference=True)
    _values(place, "ItemSelector")
    items = place.value.get("Items")
    if isinstance(items, list) or place.computed("Items"):
        check_jsonata(place, "Items")
    elif "Items" in place.value and not place.unfilled(items, "Items"):
        place.add_problem("Expected value of type [ARRAY]", "Items")
    label = place.text("Label")
    if label is None or has_placeholder(label):
        return
    if not 1 <= len(label) <= 40:
        place.add_problem(f"A label has 1 to 40 characters, this one has {len(label)}", "Label")
    elif found := _NOT_IN_LABEL.search(label):
        place.add_problem(f"A label cannot hold the character {found[0]!r}", "Label")


def _values(place: Place, name: str) -> None:
    """A payload template, or under JSONata a value that may hold expressions."""
    if place.language == "JSONata":
        check_jsonata(place, name)
    else:
        check_template(place, name)


def _check_parts(place: Place) -> None:
    arguments = "Arguments" if place.language == "JSONata" else "Parameters"
    reader = place.object("ItemReader")
    if reader is not None:
        reader.allow_only(("Resource", "ReaderConfig", arguments, "Comment"))
        reader.required("Resource")
        _check_stored(reader, is_reader)
        _values(reader, arguments)
        _check_reader_config(reader)
    batcher = place.object("ItemBatcher")
    if batcher is not None:
        _check_batcher(batcher)
    writer = place.object("ResultWriter")
    if writer is not None:
        writer.allow_only(("Resource", "WriterConfig", arguments, "Comment"))
        _check_stored(writer, is_writer)
        _values(writer, arguments)
        _check_writer(writer, arguments)


def _check_stored(place: Place, known: Callable[[str], bool]) -> None:
    arn = place.text("Resource")
    if arn is not None and not known(arn) and not place.unfilled(arn, "Resource"):
        place.add_problem(not_recognized(arn), "Resource")


def _check_writer(writer: Place, arguments: str) -> None:
    config = writer.object("WriterConfig")
    if config is None:
        writer.required("Resource", arguments)
        return
    config.allow_only(("OutputType", "Transformation", "Comment"))
    config.one_of("OutputType", ("JSON", "JSONL"))
    config.one_of("Transformation", ("NONE", "COMPACT", "FLATTEN"))
    if "Resource" in writer.value or arguments in writer.value:
        writer.required("Resource", arguments)


def _check_reader_config(reader: Place) -> None:
    config = reader.object("ReaderConfig")
    if config is None:
        return
    config.one_of("InputType", ("CSV", "JSON", "JSONL", "MANIFEST", "PARQUET"))
    config.one_of("ManifestType", ("ATHENA_DATA", "S3_INVENTORY"))
    config.one_of("Transformation", ("NONE", "LOAD_AND_FLATTEN"))
    if config.value.get("ManifestType") == "S3_INVENTORY":  # whose files are CSV
        config.exclusive("ManifestType", "InputType")
    if "ATHENA_DATA" in config.value.values() or "LOAD_AND_FLATTEN" in config.value.values():
        config.required("InputType")
    config.one_of("CSVHeaderLocation", ("FIRST_ROW", "GIVEN"))
    config.one_of("CSVDelimiter", ("COMMA", "PIPE", "SEMICOLON", "SPACE", "TAB"))
    _computed_number(config, "MaxItems", least=0, most=100_000_000)
    if config.value.get("CSVHeaderLocation") == "GIVEN":
        config.required("CSVHeaders")


def _check_batcher(batcher: Place) -> None:
    paths = [f"{name}Path" for name in _BATCHES]
    batcher.allow_only(("BatchInput", *_BATCHES, *paths, "Comment"))
    _values(batcher, "BatchInput")
    _computed_number(batcher, "MaxItemsPerBatch", least=1)
    _computed_number(batcher, "MaxInputBytesPerBatch", least=1, most=262_144)
    if not any(name in batcher.value for name in (*_BATCHES, *paths)):
        batcher.one_required(*_BATCHES)


def _computed_number(place: Place, name: str, *, least: int, most: int | None = None) -> None:
    """A number, a JSONata expression, or in JSONPath a path under the name with Path."""
    place.integer(name, least=least, most=most)
    place.exclusive(name, f"{name}Path")
    if place.language == "JSONPath":
        place.path_field(f"{name}Path", reference=True)
    elif place.computed(name):
        check_jsonata(place, name)
