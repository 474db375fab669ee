"""The bodies of requests: understood or refused, as query parameters are."""

from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator


class RequestBody(BaseModel):
    """The JSON object in the body of a request. A field that is not declared is refused.

    So is text that no command can be given as an argument: with a NUL character, or with half of a character, which
    JSON can write.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _without_broken_text(cls, values: Any) -> Any:
        if isinstance(values, dict):
            for name, value in values.items():
                for text in value if isinstance(value, list) else [value]:
                    if isinstance(text, str):
                        _check(str(name), text)
        return values


def _check(name: str, text: str) -> None:
    if "\x00" in text:
        raise ValueError(f"{name} contains a NUL character")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError(f"{name} contains half of a character (a lone surrogate)")
