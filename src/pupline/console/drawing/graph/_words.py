"""A graph as text: a nested list of its states, with what follows each."""

from pupline.console.drawing._markup import Markup, element, join, shortened
from pupline.console.drawing.graph._machine import END, Scope, State, Transition
from pupline.console.drawing.graph._svg import Look

_LABEL_COLUMNS = 120


def graph_list(scope: Scope, look: Look) -> Markup:
    """The states in the order of the definition, as a list; those inside a Map or Parallel in lists of their own."""
    following: dict[str, list[Transition]] = {}
    for transition in scope.transitions:
        following.setdefault(transition.source, []).append(transition)
    items = [_item(state, following.get(state.name, []), look) for state in scope.states.values()]
    return element("ul", {"class": "graph-list"}, join(items))


def _item(state: State, following: list[Transition], look: Look) -> Markup:
    current = "true" if state.name == look.selected else None
    name = element("a", {"href": look.link(state.name), "aria-current": current}, state.name)
    words = [state.caption]
    if look.standings is not None:
        words += look.standing(state.name).words
    ways = [_way(one, look) for one in following]
    text = f" ({', '.join(words)})" + (f". Then: {'; '.join(ways)}" if ways else "")
    if len(state.scopes) == 1:
        return element("li", {}, name, text, graph_list(state.scopes[0], look))
    branches = [
        element("li", {}, f"Branch {number}", graph_list(scope, look)) for number, scope in enumerate(state.scopes, 1)
    ]
    return element("li", {}, name, text, element("ul", {}, join(branches)) if branches else None)


def _way(transition: Transition, look: Look) -> str:
    target = "the end" if transition.target == END else transition.target
    when = f" ({shortened(transition.label, _LABEL_COLUMNS)})" if transition.label else ""
    return f"{target}{when}{', taken' if transition in look.taken else ''}"
