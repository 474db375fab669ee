"""The checks of one state: its fields, their values, and the machines inside it."""

import re

from pupline.asl._errors import SyntaxProblem
from pupline.asl.jsonpath import compile_payload_string
from pupline.asl.states import READERS, WRITERS, not_recognized, read_resource
from pupline.asl.validation import _fields as fields
from pupline.asl.validation._report import Place
from pupline.asl.validation._retry_catch_choices import check_catch, check_choices, check_retry
from pupline.choice_rules import instant

_MAX_SECONDS = 99_999_999

#: Not allowed in a Map's Label, as it becomes part of ARNs. Source: AWS, "Distributed Map state fields", Label.
_NOT_IN_LABEL = re.compile(r"""[\s?*<>{}\[\]:;,\\|^~$#%&`"\x00-\x1f\x7f-\x9f]""")


class StateChecker:
    """Checks a state. machines: the places of its branches or item processor, which the caller checks next."""

    def __init__(self, place: Place, name: str, machine_language: fields.Language) -> None:
        place.owner = name
        place.language = machine_language
        self.place = place
        self.machine_language = machine_language
        self.machines: list[Place] = []

    def check(self) -> None:
        """Add all problems of the state to its report."""
        place = self.place
        kind = place.value.get("Type")
        if "Type" not in place.value:
            place.required("Type")
            return
        if kind not in fields.STATE_TYPES:
            message = f"The field 'Type' should have one of these values: [{', '.join(fields.STATE_TYPES)}]"
            place.add_problem(message, "Type")
            return
        self.check_fields(kind, allowed_language=self.check_language())
        for pair in fields.EXCLUSIVE.get(kind, ()):
            place.exclusive(*pair)
        self.check_common(kind)
        getattr(self, f"check_{kind.lower()}")()
        if kind in ("Task", "Parallel", "Map"):
            check_retry(place)
            check_catch(place)

    def check_language(self) -> bool:
        """Decide the state's query language; returns whether the machine's allows it."""
        place = self.place
        place.one_of("QueryLanguage", ("JSONPath", "JSONata"))
        wanted = place.value.get("QueryLanguage", self.machine_language)
        if wanted == "JSONPath" and self.machine_language == "JSONata":
            place.add_problem("'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine")
            place.language = "JSONPath"
            return False
        place.language = "JSONPath" if wanted == "JSONPath" else "JSONata"
        return True

    def check_fields(self, kind: str, *, allowed_language: bool) -> None:
        place = self.place
        good = fields.allowed(kind, place.language)
        for name in place.value:
            if name in good:
                continue
            if not fields.other_language(kind, name, place.language):
                place.add_problem(f"Field '{name}' is not supported")
            elif allowed_language:
                other = "JSONata" if place.language == "JSONPath" else "JSONPath"
                place.add_problem(
                    f"The QueryLanguage is set to '{place.language}', but field '{name}' is only supported for the "
                    f"'{other}' QueryLanguage"
                )

    def check_common(self, kind: str) -> None:
        place = self.place
        place.text("Comment")
        if kind not in ("Choice", "Succeed", "Fail"):
            self.check_transition()
        place.template("Assign")
        self.check_assigned()
        if place.language == "JSONata":
            for name in ("Output", "Arguments"):
                place.jsonata(name)
            return
        place.path_field("InputPath", null=True)
        place.path_field("OutputPath", null=True)
        place.result_path()
        for name in ("Parameters", "ResultSelector"):
            place.template(name)

    def check_transition(self) -> None:
        """Exactly one of Next and End, where `"End": false` counts as none."""
        place = self.place
        place.text("Next")
        end = place.value.get("End", False)
        if not isinstance(end, bool):
            place.add_problem("Expected value of type [BOOLEAN]", "End")
        elif end:
            place.exclusive("Next", "End")
        elif "Next" not in place.value:
            place.add_problem("One of these fields is required: [Next, End]")

    def check_assigned(self) -> None:
        place = self.place.object("Assign")
        for name in place.value if place else ():
            plain = name.removesuffix(".$")
            if plain == "states":
                self.place.add_problem("'states' is a reserved variable name", "Assign", name)
            elif not plain.isidentifier() or len(plain) > 80:
                self.place.add_problem(f"'{plain[:100]}' is not a valid variable name", "Assign", name)

    # ---- one method per type

    def check_pass(self) -> None:
        """Nothing beyond the common fields."""

    def check_succeed(self) -> None:
        """Nothing beyond the common fields."""

    def check_fail(self) -> None:
        place = self.place
        for name in ("Error", "Cause"):
            if not place.dynamic(name):
                place.text(name)
            text = place.text(f"{name}Path")
            if text is not None:
                try:
                    place.note_variables(compile_payload_string(text, field=f"{name}Path").variables)
                except SyntaxProblem as problem:
                    place.add_problem(problem.message, f"{name}Path")

    def check_choice(self) -> None:
        place = self.place
        place.required("Choices")
        place.text("Default")
        check_choices(place)

    def check_wait(self) -> None:
        place = self.place
        names = ("Seconds", "Timestamp")
        paths = ("SecondsPath", "TimestampPath") if place.language == "JSONPath" else ()
        place.exactly_one(*names, *paths)
        place.integer("Seconds", least=0, most=_MAX_SECONDS)
        for name in paths:
            place.path_field(name, reference=True)
        timestamp = place.value.get("Timestamp")
        if "Timestamp" in place.value and not place.dynamic("Timestamp"):
            if not isinstance(timestamp, str):
                place.add_problem("Expected value of type [STRING]", "Timestamp")
            elif instant(timestamp) is None:
                place.add_problem("String does not match RFC3339 timestamp", "Timestamp")

    def check_task(self) -> None:
        place = self.place
        place.required("Resource")
        self.check_resource()
        timeout = place.integer("TimeoutSeconds", least=1, most=_MAX_SECONDS)
        heartbeat = place.integer("HeartbeatSeconds", least=1, most=_MAX_SECONDS)
        if timeout is not None and heartbeat is not None and heartbeat >= timeout:
            place.add_problem("HeartbeatSeconds must be smaller than TimeoutSeconds", "HeartbeatSeconds")
        for name in ("TimeoutSecondsPath", "HeartbeatSecondsPath"):
            if place.language == "JSONPath":
                place.path_field(name, reference=True)
        credentials = place.object("Credentials")
        if credentials is not None:
            if "RoleArn.$" not in credentials.value:
                credentials.required("RoleArn")
            place.template("Credentials")

    def check_resource(self) -> None:
        place = self.place
        arn = place.text("Resource")
        if arn is None:
            return
        resource = read_resource(arn)
        express = place.report.machine_type == "EXPRESS"
        if resource is None:
            place.add_problem(not_recognized(arn), "Resource")
        elif express and resource.kind == "activity":
            place.add_problem("Express state machine does not support Activity ARN", "Resource")
        elif express and resource.pattern:
            pattern = resource.pattern.removesuffix(":2")
            place.add_problem(f"Express state machine does not support '{pattern}' service integration ", "Resource")

    def check_parallel(self) -> None:
        place = self.place
        place.required("Branches")
        for branch in place.items("Branches", empty=False):
            if branch.is_object():
                branch.allow_only(fields.BRANCH)
                self.machines.append(branch)

    def check_map(self) -> None:
        place = self.place
        if "Iterator" not in place.value:
            place.required("ItemProcessor")
        distributed = False
        for name in ("ItemProcessor", "Iterator"):
            processor = place.object(name)
            if processor is not None:
                processor.allow_only(fields.PROCESSOR)
                distributed = self.check_processor_config(processor)
                self.machines.append(processor)
        if not distributed:
            for name in fields.DISTRIBUTED_ONLY:
                if name in place.value:
                    place.add_problem(f"Field '{name}' is only supported when the Map's Mode is 'DISTRIBUTED'")
        self.check_map_values()
        self.check_map_parts()

    def check_processor_config(self, processor: Place) -> bool:
        """Check a ProcessorConfig; returns whether the Map is distributed."""
        config = processor.object("ProcessorConfig")
        if config is None:
            return False
        config.allow_only(("Mode", "ExecutionType", "Comment"))
        config.one_of("Mode", ("INLINE", "DISTRIBUTED"))
        config.one_of("ExecutionType", ("STANDARD", "EXPRESS"))
        if config.value.get("Mode") != "DISTRIBUTED":
            return False
        config.required("ExecutionType")
        if config.report.machine_type == "EXPRESS":
            config.add_problem("Express state machine does not support a Map in DISTRIBUTED mode", "Mode")
        return True

    def check_map_values(self) -> None:
        place = self.place
        place.integer("MaxConcurrency", least=0)
        place.integer("ToleratedFailureCount", least=0)
        place.number("ToleratedFailurePercentage", least=0, most=100)
        if place.language == "JSONPath":
            for name in ("ItemsPath", "MaxConcurrencyPath", "ToleratedFailureCountPath"):
                place.path_field(name, reference=True)
            place.path_field("ToleratedFailurePercentagePath", reference=True)
        place.template("ItemSelector")
        if isinstance(place.value.get("Items"), list):
            place.jsonata("Items")
        elif "Items" in place.value and not place.dynamic("Items"):
            place.add_problem("Expected value of type [ARRAY]", "Items")
        label = place.text("Label")
        if label is not None and not 1 <= len(label) <= 40:
            place.add_problem(f"A label has 1 to 40 characters, this one has {len(label)}", "Label")
        elif label is not None and (found := _NOT_IN_LABEL.search(label)):
            place.add_problem(f"A label cannot hold the character {found[0]!r}", "Label")

    def check_map_parts(self) -> None:
        place = self.place
        arguments = "Arguments" if place.language == "JSONata" else "Parameters"
        reader = place.object("ItemReader")
        if reader is not None:
            reader.allow_only(("Resource", "ReaderConfig", arguments, "Comment"))
            reader.required("Resource")
            self.check_stored(reader, READERS)
            reader.template(arguments)
            self.check_reader_config(reader)
        batcher = place.object("ItemBatcher")
        if batcher is not None:
            self.check_batcher(batcher)
        writer = place.object("ResultWriter")
        if writer is not None:
            writer.allow_only(("Resource", "WriterConfig", arguments, "Comment"))
            self.check_stored(writer, WRITERS)
            writer.template(arguments)
            self.check_writer(writer, arguments)

    def check_writer(self, writer: Place, arguments: str) -> None:
        config = writer.object("WriterConfig")
        if config is None:
            writer.required("Resource", arguments)
            return
        config.allow_only(("OutputType", "Transformation", "Comment"))
        config.one_of("OutputType", ("JSON", "JSONL"))
        config.one_of("Transformation", ("NONE", "COMPACT", "FLATTEN"))
        if "Resource" in writer.value or arguments in writer.value:
            writer.required("Resource", arguments)

    def check_stored(self, place: Place, known: re.Pattern[str]) -> None:
        arn = place.text("Resource")
        if arn is not None and not known.fullmatch(arn):
            place.add_problem(not_recognized(arn), "Resource")

    def check_reader_config(self, reader: Place) -> None:
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
        config.integer("MaxItems", least=0, most=100_000_000)
        config.exclusive("MaxItems", "MaxItemsPath")
        if config.value.get("CSVHeaderLocation") == "GIVEN":
            config.required("CSVHeaders")
        if config.language == "JSONPath":
            config.path_field("MaxItemsPath", reference=True)

    def check_batcher(self, batcher: Place) -> None:
        batcher.allow_only(
            ("BatchInput", "MaxItemsPerBatch", "MaxItemsPerBatchPath", "MaxInputBytesPerBatch",
             "MaxInputBytesPerBatchPath", "Comment")
        )  # fmt: skip
        batcher.template("BatchInput")
        batcher.integer("MaxItemsPerBatch", least=1)
        batcher.integer("MaxInputBytesPerBatch", least=1, most=262_144)
        for name in ("MaxItemsPerBatch", "MaxInputBytesPerBatch"):
            batcher.exclusive(name, f"{name}Path")
            if batcher.language == "JSONPath":
                batcher.path_field(f"{name}Path", reference=True)
        names = batcher.value.keys() - {"BatchInput", "Comment"}
        if not names:
            batcher.add_problem("One of these fields is required: [MaxItemsPerBatch, MaxInputBytesPerBatch]")
