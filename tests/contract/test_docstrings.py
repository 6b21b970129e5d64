"""Every type says what it is, what one step does, and names all its members."""

from __future__ import annotations

import re

import pytest
from cases import library_types

from bidl_sim.core.process import Process

COMMON = ("learn",)
"""Of every process, described once in `Process`."""


def description(kind: type[Process]) -> str:
    """A docstring, with those of the base types that it refers to by name."""
    bases = {base.__name__: base.__doc__ or "" for base in kind.__mro__}
    seen: dict[str, str] = {}
    waiting = [kind.__name__]
    while waiting:
        name = waiting.pop()
        if name in bases and name not in seen:
            seen[name] = bases[name]
            waiting += re.findall(r"`(\w+)`", seen[name])
    return "\n".join(seen.values())


@pytest.mark.parametrize("kind", library_types(), ids=lambda k: k.__name__)
class TestADocstring:
    def test_says_what_the_type_is(self, kind: type[Process]) -> None:
        assert kind.__doc__
        assert not kind.__doc__.startswith(f"{kind.__name__}(")  # a dataclass's own
        first = kind.__doc__.split("\n")[0]
        assert len(first) > 15, first
        assert first.endswith((".", "::"))

    def test_names_every_member(self, kind: type[Process]) -> None:
        words = set(re.findall(r"\w+", description(kind)))
        members = (*kind.param_specs, *kind.option_specs, *kind.state_specs)
        ports = (*kind.in_specs, *kind.out_specs, *kind.ref_specs)
        missing = {*members, *ports} - words - {*COMMON}
        assert not missing, f"{kind.__name__} does not describe {sorted(missing)}"

    def test_has_an_equation_where_there_is_a_state_or_a_parameter(
        self, kind: type[Process]
    ) -> None:
        sources_of_given_values = not kind.in_specs
        if sources_of_given_values or not (kind.state_specs or kind.param_specs):
            return
        text = description(kind)
        block = re.search(r"::\n\n((?:        .*\n|\n)+)", text)
        equations = block.group() if block else " ".join(re.findall(r"``(.*?)``", text, re.S))
        assert "=" in equations, f"{kind.__name__} has no equation"
