"""Intrinsic functions of a template, evaluated as far as they can be without a deployment.

Parameters have their defaults, or the values that the user gives; resources have stand-ins. What only a deployment
knows, such as an import or a parameter without a default, stays a placeholder: `${Name}`.
"""

import base64
import json
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from pupline.definitions._placeholders import PLACEHOLDERS, json_or_text
from pupline.definitions.templates._references import (
    FUNCTION_TYPES,
    PSEUDO_PARAMETERS,
    QUALIFIED_TYPES,
    arn,
    attribute,
    is_opaque,
    name_property,
    ref,
)
from pupline.errors import ConfigurationError
from pupline.json_values import AnyJSON
from pupline.text import printable

_MAX_CHARACTERS = 16 * 1024 * 1024
"""What all functions of a template may produce together: nested Fn::Sub could double a text at each level."""


_DYNAMIC = re.compile(r"\{\{(resolve:[^{}]+)\}\}")
"""A dynamic reference, such as `{{resolve:ssm:/shop/function}}`."""

NO_VALUE = object()
"""What `AWS::NoValue` leaves: a member or element that does not exist."""


class Resolver:
    """Evaluates the intrinsic functions in parts of a template.

    template: the parsed template, with functions in their long forms. values: of parameters, by name. names:
    of resources that are not called by their logical ids.
    """

    def __init__(
        self, template: dict[str, AnyJSON], values: Mapping[str, str], names: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self.resources = section(template, "Resources")
        self._parameters = section(template, "Parameters")
        self._mappings = section(template, "Mappings")
        self._conditions = section(template, "Conditions")
        self._values = values
        self._names = names
        self._under_way: set[str] = set()
        self._produced = 0
        self._functions: dict[str, Callable[[AnyJSON], AnyJSON]] = {
            "Ref": lambda value: self.reference(_text("Ref", value)),
            "Fn::Base64": lambda value: base64.b64encode(as_text(self.resolve(value)).encode()).decode(),
            "Fn::FindInMap": self._find_in_map,
            "Fn::GetAtt": self._get_att,
            "Fn::If": lambda value: self.resolve(self.chosen(value)[1]),
            "Fn::ImportValue": lambda value: _placeholder(as_text(self.resolve(value))),
            "Fn::Join": self._join,
            "Fn::Length": lambda value: len(_list("Fn::Length", self.resolve(value))),
            "Fn::Select": self._select,
            "Fn::Split": self._split,
            "Fn::Sub": self._sub,
            "Fn::ToJsonString": lambda value: json.dumps(self.resolve(value)),
        }

    def resolve(self, value: AnyJSON) -> AnyJSON:
        """The value with its intrinsic functions evaluated. Raises: ConfigurationError for one that is malformed."""
        if isinstance(value, list):
            return [inner for inner in map(self.resolve, value) if inner is not NO_VALUE]
        if isinstance(value, str):
            return _DYNAMIC.sub(lambda found: _placeholder(found[1].replace(":", ".")), value)
        if not isinstance(value, dict):
            return value
        name = intrinsic_function(value)
        if name is not None:
            found = self._functions[name](value[name]) if name in self._functions else _placeholder(name)
            return self._bounded(found) if isinstance(found, str) else found
        members = ((key, self.resolve(inner)) for key, inner in value.items())
        return {key: inner for key, inner in members if inner is not NO_VALUE}

    def _bounded(self, text: str) -> str:
        self._produced += len(text)
        if self._produced > _MAX_CHARACTERS:
            raise ConfigurationError(f"its functions make more than {_MAX_CHARACTERS:,} characters")
        return text

    # ---- references

    def reference(self, name: str) -> AnyJSON:
        """What `Ref` gives for a parameter or resource; a placeholder for what the template does not say."""
        if name == "AWS::NoValue":
            return NO_VALUE
        parameter = self._parameters.get(name)
        if name in self._values:
            return _parameter_value(parameter, self._values[name])
        if name in PSEUDO_PARAMETERS:
            return PSEUDO_PARAMETERS[name]
        if isinstance(parameter, dict):
            is_known = "Default" in parameter and not str(parameter.get("Type")).startswith("AWS::SSM::")
            return _parameter_value(parameter, parameter["Default"]) if is_known else _placeholder(name)
        kind = self.kind(name)
        if kind in QUALIFIED_TYPES:
            return self._qualified(name)
        if "." in name and self.kind(name.split(".")[0]) in FUNCTION_TYPES:
            return self.attribute(*name.split(".", 1))  # SAM's !Ref Function.Alias
        return _placeholder(name) if kind is None else ref(kind, self._name(name, kind))

    def attribute(self, name: str, named: str) -> str:
        """What `Fn::GetAtt` gives for an attribute of a resource; a placeholder where there is no such resource."""
        kind = self.kind(name)
        if kind is None or is_opaque(kind):
            return _placeholder(f"{name}.{named}")
        return attribute(kind, self._name(name, kind), named)

    def _qualified(self, name: str) -> str:
        """The ARN of an alias or a version of a function."""
        properties = self.resolve(self.properties(name))
        function = as_text(properties.get("FunctionName", name)).rpartition("function:")[2]
        return f"{arn(FUNCTION_TYPES[1], function)}:{as_text(properties.get('Name', '1'))}"

    def kind(self, name: str) -> str | None:
        """The type of a resource; None where there is none of this name."""
        resource = self.resources.get(name)
        found = resource.get("Type") if isinstance(resource, dict) else None
        return found if isinstance(found, str) else None

    def properties(self, name: str) -> dict[str, AnyJSON]:
        """The properties of a resource, as they stand in the template."""
        return section(self.resources[name], "Properties")

    def _name(self, logical_id: str, kind: str) -> str:
        """The name that the template gives a resource, else its logical id."""
        named = self.properties(logical_id).get(name_property(kind) or "")
        if named is None or logical_id in self._under_way:
            return self._names.get(logical_id, logical_id)
        self._under_way.add(logical_id)
        try:
            found = self.resolve(named)
        finally:
            self._under_way.discard(logical_id)
        return found if isinstance(found, str) else logical_id

    def _get_att(self, value: AnyJSON) -> str:
        parts = value.split(".", 1) if isinstance(value, str) else _items("Fn::GetAtt", value, 2)
        name, named = (as_text(self.resolve(part)) for part in parts)
        return self.attribute(name, named)

    def _find_in_map(self, value: AnyJSON) -> AnyJSON:
        parts = _list("Fn::FindInMap", value)
        keys = [as_text(self.resolve(part)) for part in parts[:3]]
        found: AnyJSON = self._mappings
        for key in keys:
            found = found.get(key) if isinstance(found, dict) else None
        if found is None and len(parts) > 3 and isinstance(parts[3], dict) and "DefaultValue" in parts[3]:
            return self.resolve(parts[3]["DefaultValue"])
        return _placeholder(".".join(keys)) if found is None or len(keys) < 3 else found

    # ---- texts and lists

    def _sub(self, value: AnyJSON) -> str:
        template, variables = self.sub_parts(value)
        fill = self.substitution(variables)
        return PLACEHOLDERS.sub(lambda found: fill(found.group()[2:-1].strip()), template)

    def sub_parts(self, value: AnyJSON) -> tuple[str, dict[str, AnyJSON]]:
        """The text of a Fn::Sub, and its variables with their values."""
        if isinstance(value, str):
            return value, {}
        template, variables = _items("Fn::Sub", value, 2)
        return _text("Fn::Sub", template), section({"": self.resolve(variables)}, "")

    def substitution(self, variables: Mapping[str, AnyJSON]) -> Callable[[str], str]:
        """A function from a name to what Fn::Sub puts there; the placeholder where the template does not say."""

        def value_of(name: str) -> str:
            if name.startswith("!"):
                return _placeholder(name[1:])
            if name in variables:
                return self._bounded(as_text(variables[name]))
            resource, dot, named = name.partition(".")
            return self._bounded(self.attribute(resource, named) if dot else as_text(self.reference(name)))

        return value_of

    def join_parts(self, value: AnyJSON) -> tuple[str, list[str]]:
        """The delimiter of a Fn::Join, and its texts."""
        delimiter, items = _items("Fn::Join", value, 2)
        texts = [as_text(item) for item in _list("Fn::Join", self.resolve(items))]
        if len(_text("Fn::Join", delimiter)) * len(texts) > _MAX_CHARACTERS:
            raise ConfigurationError("Fn::Join makes too long a text")
        return delimiter, texts

    def _join(self, value: AnyJSON) -> str:
        delimiter, texts = self.join_parts(value)
        return delimiter.join(texts)

    def _split(self, value: AnyJSON) -> list[str]:
        delimiter, text = _items("Fn::Split", value, 2)
        if not isinstance(delimiter, str) or not delimiter:
            raise ConfigurationError("Fn::Split takes a delimiter and a text")
        return as_text(self.resolve(text)).split(delimiter)

    def _select(self, value: AnyJSON) -> AnyJSON:
        index, items = _items("Fn::Select", value, 2)
        at, found = as_text(self.resolve(index)), self.resolve(items)
        if not isinstance(found, list):
            return _placeholder("Fn::Select")
        return found[int(at)] if at.isdecimal() and len(at) < 6 and int(at) < len(found) else _placeholder("Fn::Select")

    # ---- conditions

    def chosen(self, value: AnyJSON) -> tuple[int, AnyJSON]:
        """The part of a Fn::If that counts: its index, and what it holds."""
        parts = _items("Fn::If", value, 3)
        at = 1 if self.holds(_text("Fn::If", parts[0])) else 2
        return at, parts[at]

    def holds(self, name: str) -> bool:
        """Whether a condition holds with the values that the parameters have here; False for an unknown one."""
        key = f"condition {name}"
        if name not in self._conditions or key in self._under_way:
            return False
        self._under_way.add(key)
        try:
            return self._is_true(self._conditions[name])
        finally:
            self._under_way.discard(key)

    def _is_true(self, value: AnyJSON) -> bool:
        if not isinstance(value, dict) or len(value) != 1:
            return value is True or value == "true"
        [(name, inner)] = value.items()
        if name == "Condition":
            return self.holds(_text("Condition", inner))
        parts = _list(name, inner)
        if name == "Fn::Equals":
            return len({as_text(self.resolve(part)) for part in parts}) == 1
        if name == "Fn::Not":
            return not all(map(self._is_true, parts))
        if name in ("Fn::And", "Fn::Or"):
            return (all if name == "Fn::And" else any)(map(self._is_true, parts))
        raise ConfigurationError(f"{printable(name)} is not a condition that can be evaluated here")


def intrinsic_function(value: AnyJSON) -> str | None:
    """The intrinsic function that an object is; None for any other value."""
    if isinstance(value, dict) and len(value) == 1:
        [name] = value
        return name if name == "Ref" or name.startswith("Fn::") else None
    return None


def section(holder: AnyJSON, name: str) -> dict[str, AnyJSON]:
    """An object in an object; an empty one where there is none."""
    found = holder.get(name) if isinstance(holder, dict) else None
    return found if isinstance(found, dict) else {}


def as_text(value: AnyJSON) -> str:
    """A value as CloudFormation writes it into a text: lists with commas, objects as JSON."""
    if isinstance(value, str):
        return value
    if value is NO_VALUE or value is None:
        return ""
    if isinstance(value, list) and not any(isinstance(item, (dict, list)) for item in value):
        return ",".join(map(as_text, value))
    return json.dumps(value)


def _parameter_value(parameter: AnyJSON, value: AnyJSON) -> AnyJSON:
    kind = parameter.get("Type") if isinstance(parameter, dict) else None
    if kind == "Number" and isinstance(value, str):
        return json_or_text(value)
    if isinstance(kind, str) and isinstance(value, str) and ("List<" in kind or kind == "CommaDelimitedList"):
        return [item.strip() for item in value.split(",")]
    return value


def _placeholder(name: str) -> str:
    """A placeholder; its name may be made of texts that have some themselves."""
    return "${" + name.replace("${", "").replace("{", "").replace("}", "") + "}"


def _text(function: str, value: AnyJSON) -> str:
    if isinstance(value, str):
        return value
    raise ConfigurationError(f"{function} takes a text here")


def _list(function: str, value: AnyJSON) -> list[AnyJSON]:
    if isinstance(value, list):
        return value
    raise ConfigurationError(f"{printable(function)} takes a list here")


def _items(function: str, value: AnyJSON, count: int) -> list[AnyJSON]:
    if isinstance(value, list) and len(value) == count:
        return value
    raise ConfigurationError(f"{function} takes a list of {count}")
