"""The checks of Assign, in a state, a Catcher or a Choice rule."""

from pupline.asl.validation._expressions import StatesField, check_jsonata, check_template
from pupline.asl.validation._report import Place

_MAX_NAME = 80


def check_assign(place: Place, *, also: StatesField | None = None) -> None:
    """The names and values of the variables that are assigned. also: the field of `$states` that exists there."""
    assigned = place.object("Assign")
    for name in assigned.value if assigned else ():
        plain = name.removesuffix(".$") if place.language == "JSONPath" else name
        if plain == "states":
            place.add_problem("'states' is a reserved variable name", "Assign", name)
        elif not plain.isidentifier() or len(plain) > _MAX_NAME:
            place.add_problem(f"'{plain[:100]}' is not a valid variable name", "Assign", name)
        place.scope.assigned.setdefault(plain, (*place.path, "Assign", name))
    if place.language == "JSONata":
        check_jsonata(place, "Assign", also=also)
    else:
        check_template(place, "Assign")
