"""A wrong argument is refused where it is given, with process and attribute named."""

from __future__ import annotations

import dataclasses
import math

import pytest
from cases import REQUIRED, default_case, library_types

from bidl_sim.core.process import Process
from bidl_sim.errors import BidlError

NONSENSE = (object(), math.nan, "nonsense", [[]], -math.inf, {"a": 1})


def fields(kind: type[Process]) -> list[str]:
    return [f.name for f in dataclasses.fields(kind) if f.name != "_"]


@pytest.mark.parametrize("kind", library_types(), ids=lambda k: k.__name__)
def test_nonsense_is_refused_at_construction(kind: type[Process]) -> None:
    good = default_case(kind).make()
    for name in fields(kind):
        for nonsense in NONSENSE:
            if (name, nonsense) == ("name", "nonsense"):
                continue  # a fine name
            given = {n: getattr(good, n) for n in fields(kind)}
            given = {n: False if n in good.left_out else v for n, v in given.items()}
            given[name] = nonsense
            with pytest.raises(BidlError, match=name) as caught:
                kind(**given)
            assert kind.__name__ in str(caught.value)


def test_arguments_are_listed_for_types_that_need_them_only() -> None:
    types = {kind.__name__ for kind in library_types()}
    assert set(REQUIRED) <= types


@pytest.mark.parametrize("kind", library_types(), ids=lambda k: k.__name__)
def test_every_type_describes_itself(kind: type[Process]) -> None:
    assert kind.__doc__
    assert not kind.__doc__.startswith(f"{kind.__name__}(")  # a dataclass's own
