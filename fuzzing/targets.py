"""All targets by name."""

from typing import Final

from fuzzing.target import Target
from fuzzing.targets_definitions import DEFINITIONS
from fuzzing.targets_http import HTTP
from fuzzing.targets_images import IMAGES
from fuzzing.targets_language import LANGUAGE
from fuzzing.targets_mocks import MOCKS
from fuzzing.targets_sources import SOURCES
from fuzzing.targets_stepfunctions import STEP_FUNCTIONS

TARGETS: Final[dict[str, Target]] = {
    target.name: target for target in (*IMAGES, *HTTP, *SOURCES, *LANGUAGE, *MOCKS, *DEFINITIONS, *STEP_FUNCTIONS)
}
