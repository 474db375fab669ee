"""The checks of one state: its fields, their values, and the machines inside it."""

import re

from pupline.asl._errors import SyntaxProblem
from pupline.asl._timestamp import instant
from pupline.asl.jsonpath import compile_payload_string
from pupline.asl.states import READERS, WRITERS, not_recognized, read_resource
from pupline.asl.validation import _fields as fields
from pupline.asl.validation._report import Place
from pupline.asl.validation._rules import check_catch, check_choices, check_retry

_TIMEOUT_MOST = 99_999_999

#: What a Map's Label must not hold, as it becomes part of ARNs. Source: AWS, "Distributed Map state fields", Label.
_NOT_IN_LABEL = re.compile(r"""[\s?*<>{}\[\]:;,\\|^~$#%&`"\x00-\x1f\x7f-\x9f]""")


class StateChecker:
    """Checks a state. machines: the places of its branches, or of its item processor, for the caller to go on with."""

    def __init__(self, place: Place, name: str, machine_language: fields.Language) -> None:
        place.owner = name
        place.language = machine_language
        self.place = place
        self.machine_language = machine_language
        self.machines: list[Place] = []

    def check(self) -> None:
        """Notes all problems of the state in its report."""
        place = self.place
        kind = place.value.get("Type")
        if "Type" not in place.value:
            place.required("Type")
            return
        if kind not in fields.STATE_TYPES:
            message = f"The field 'Type' should have one of these values: [{', '.join(fields.STATE_TYPES)}]"
            place.problem(message, "Type")
            return
        fits = self.language()
        self.known(kind, check_language=fits)
        for pair in fields.EXCLUSIVE.get(kind, ()):
            place.exclusive(*pair)
        self.common(kind)
        getattr(self, f"check_{kind.lower()}")()

    def language(self) -> bool:
        """Settles the state's query language; gives whether it goes with the machine's."""
        place = self.place
        place.one_of("QueryLanguage", ("JSONPath", "JSONata"))
        wanted = place.value.get("QueryLanguage", self.machine_language)
        if wanted == "JSONPath" and self.machine_language == "JSONata":
            place.problem("'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine")
            place.language = "JSONPath"
            return False
        place.language = "JSONPath" if wanted == "JSONPath" else "JSONata"
        return True

    def known(self, kind: str, *, check_language: bool) -> None:
        place = self.place
        good = fields.allowed(kind, place.language)
        for name in place.value:
            if name in good:
                continue
            if not fields.other_language(kind, name, place.language):
                place.problem(f"Field '{name}' is not supported")
            elif check_language:
                other = "JSONata" if place.language == "JSONPath" else "JSONPath"
                place.problem(
                    f"The QueryLanguage is set to '{place.language}', but field '{name}' is only supported for the "
                    f"'{other}' QueryLanguage"
                )

    def common(self, kind: str) -> None:
        place = self.place
        place.text("Comment")
        if kind not in ("Choice", "Succeed", "Fail"):
            self.moves()
        place.template("Assign")
        self.assigned()
        if place.language == "JSONata":
            for name in ("Output", "Arguments"):
                place.jsonata(name)
            return
        place.path_field("InputPath", null=True)
        place.path_field("OutputPath", null=True)
        place.result_path()
        for name in ("Parameters", "ResultSelector"):
            place.template(name)

    def moves(self) -> None:
        """Exactly one of Next and End, where `"End": false` counts as none."""
        place = self.place
        place.text("Next")
        end = place.value.get("End", False)
        if not isinstance(end, bool):
            place.problem("Expected value of type [BOOLEAN]", "End")
        elif end:
            place.exclusive("Next", "End")
        elif "Next" not in place.value:
            place.problem("One of these fields is required: [Next, End]")

    def assigned(self) -> None:
        place = self.place.object("Assign")
        for name in place.value if place else ():
            plain = name.removesuffix(".$")
            if plain == "states":
                self.place.problem("'states' is a reserved variable name", "Assign", name)
            elif not plain.isidentifier() or len(plain) > 80:
                self.place.problem(f"'{plain[:100]}' is not a valid variable name", "Assign", name)

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
                    place.reads(compile_payload_string(text, field=f"{name}Path").variables)
                except SyntaxProblem as problem:
                    place.problem(problem.message, f"{name}Path")

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
        place.integer("Seconds", least=0, most=_TIMEOUT_MOST)
        for name in paths:
            place.path_field(name, reference=True)
        timestamp = place.value.get("Timestamp")
        if "Timestamp" in place.value and not place.dynamic("Timestamp"):
            if not isinstance(timestamp, str):
                place.problem("Expected value of type [STRING]", "Timestamp")
            elif instant(timestamp) is None:
                place.problem("String does not match RFC3339 timestamp", "Timestamp")

    def check_task(self) -> None:
        place = self.place
        place.required("Resource")
        self.resource()
        timeout = place.integer("TimeoutSeconds", least=1, most=_TIMEOUT_MOST)
        heartbeat = place.integer("HeartbeatSeconds", least=1, most=_TIMEOUT_MOST)
        if timeout is not None and heartbeat is not None and heartbeat >= timeout:
            place.problem("HeartbeatSeconds must be smaller than TimeoutSeconds", "HeartbeatSeconds")
        for name in ("TimeoutSecondsPath", "HeartbeatSecondsPath"):
            if place.language == "JSONPath":
                place.path_field(name, reference=True)
        self.credentials()
        self.handlers()

    def resource(self) -> None:
        place = self.place
        arn = place.text("Resource")
        if arn is None:
            return
        resource = read_resource(arn)
        express = place.report.kind == "EXPRESS"
        if resource is None:
            place.problem(not_recognized(arn), "Resource")
        elif express and resource.kind == "activity":
            place.problem("Express state machine does not support Activity ARN", "Resource")
        elif express and resource.pattern:
            pattern = resource.pattern.removesuffix(":2")
            place.problem(f"Express state machine does not support '{pattern}' service integration ", "Resource")

    def credentials(self) -> None:
        place = self.place.object("Credentials")
        if place is None:
            return
        if "RoleArn.$" not in place.value:
            place.required("RoleArn")
        self.place.template("Credentials")

    def handlers(self) -> None:
        check_retry(self.place)
        check_catch(self.place)

    def check_parallel(self) -> None:
        place = self.place
        place.required("Branches")
        for branch in place.items("Branches", empty=False):
            if isinstance(branch.value, dict):
                branch.known(fields.BRANCH)
                self.machines.append(branch)
            else:
                branch.problem("Expected value of type [OBJECT]")
        self.handlers()

    def check_map(self) -> None:
        place = self.place
        if "Iterator" not in place.value:
            place.required("ItemProcessor")
        distributed = False
        for name in ("ItemProcessor", "Iterator"):
            processor = place.object(name)
            if processor is not None:
                processor.known(fields.PROCESSOR)
                distributed = self.processor_config(processor)
                self.machines.append(processor)
        if not distributed:
            for name in fields.DISTRIBUTED_ONLY:
                if name in place.value:
                    place.problem(f"Field '{name}' is only supported when the Map's Mode is 'DISTRIBUTED'")
        self.map_values()
        self.map_parts()
        self.handlers()

    def processor_config(self, processor: Place) -> bool:
        """Checks a ProcessorConfig; gives whether the Map is distributed."""
        config = processor.object("ProcessorConfig")
        if config is None:
            return False
        config.known(("Mode", "ExecutionType", "Comment"))
        config.one_of("Mode", ("INLINE", "DISTRIBUTED"))
        config.one_of("ExecutionType", ("STANDARD", "EXPRESS"))
        if config.value.get("Mode") != "DISTRIBUTED":
            return False
        config.required("ExecutionType")
        if config.report.kind == "EXPRESS":
            config.problem("Express state machine does not support a Map in DISTRIBUTED mode", "Mode")
        return True

    def map_values(self) -> None:
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
            place.problem("Expected value of type [ARRAY]", "Items")
        label = place.text("Label")
        if label is not None and not 1 <= len(label) <= 40:
            place.problem(f"A label has 1 to 40 characters, this one {len(label)}", "Label")
        elif label is not None and (found := _NOT_IN_LABEL.search(label)):
            place.problem(f"A label cannot hold the character {found[0]!r}", "Label")

    def map_parts(self) -> None:
        place = self.place
        arguments = "Arguments" if place.language == "JSONata" else "Parameters"
        reader = place.object("ItemReader")
        if reader is not None:
            reader.known(("Resource", "ReaderConfig", arguments, "Comment"))
            reader.required("Resource")
            self.stored(reader, READERS)
            reader.template(arguments)
            self.reader_config(reader)
        batcher = place.object("ItemBatcher")
        if batcher is not None:
            self.batcher(batcher)
        writer = place.object("ResultWriter")
        if writer is not None:
            writer.known(("Resource", "WriterConfig", arguments, "Comment"))
            self.stored(writer, WRITERS)
            writer.template(arguments)

    def stored(self, place: Place, known: re.Pattern[str]) -> None:
        arn = place.text("Resource")
        if arn is not None and not known.fullmatch(arn):
            place.problem(not_recognized(arn), "Resource")

    def reader_config(self, reader: Place) -> None:
        config = reader.object("ReaderConfig")
        if config is None:
            return
        config.one_of("InputType", ("CSV", "JSON", "JSONL", "MANIFEST", "PARQUET"))
        config.one_of("CSVHeaderLocation", ("FIRST_ROW", "GIVEN"))
        config.one_of("CSVDelimiter", ("COMMA", "PIPE", "SEMICOLON", "SPACE", "TAB"))
        config.integer("MaxItems", least=0, most=100_000_000)
        config.exclusive("MaxItems", "MaxItemsPath")
        if config.value.get("CSVHeaderLocation") == "GIVEN":
            config.required("CSVHeaders")
        if config.language == "JSONPath":
            config.path_field("MaxItemsPath", reference=True)

    def batcher(self, batcher: Place) -> None:
        batcher.known(
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
            batcher.problem("One of these fields is required: [MaxItemsPerBatch, MaxInputBytesPerBatch]")
