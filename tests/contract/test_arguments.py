"""A wrong argument is refused where it is given or set, with process and attribute named.

What is wrong follows from what each type declares; `PROMISES` says what a name must declare.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from cases import REQUIRED, default_case, library_types

from bidl_sim import Network
from bidl_sim.core.fields import Choice, Dims, Field, Flag, Int, Maybe, Name, Pair, Real
from bidl_sim.core.param import Param
from bidl_sim.core.process import Initial, Learn, Process
from bidl_sim.errors import BidlError
from bidl_sim.processes import (
    ALIF,
    CUBA,
    LIF,
    AdEx,
    CurrentLIF,
    Dense,
    Input,
    Poisson,
    Resonator,
    TernaryLIF,
)
from bidl_sim.processes.io.callback import Function
from bidl_sim.processes.plasticity.loihi import SumOfProducts
from bidl_sim.processes.quantization import FewBits, OnGrid
from bidl_sim.processes.transforms.einsum import Letters
from bidl_sim.processes.transforms.reshape import Sizes

ANYWHERE = (
    object(),
    math.nan,
    math.inf,
    -math.inf,
    "nonsense",
    b"1",
    1j,
    10**400,
    np.True_,
    [[]],
    [[1], [1, 2]],
    {"a": 1},
    np.array(["a"]),
)
"""Wrong for every field there is."""

TYPES = pytest.mark.parametrize("kind", library_types(), ids=lambda k: k.__name__)


def fields(kind: type[Process]) -> dict[str, Field[Any, Any]]:
    """The descriptors by name, as the constructor takes them."""
    names = [f.name for f in dataclasses.fields(kind) if f.name != "_"]
    return {n: next(vars(base)[n] for base in kind.__mro__ if n in vars(base)) for n in names}


def numbers_outside(low: float, high: float, excludes_low: bool) -> Iterator[float]:
    if math.isfinite(low):
        yield low if excludes_low else math.nextafter(low, -math.inf)
        yield low - 1e6
    if math.isfinite(high):
        yield math.nextafter(high, math.inf)
        yield high + 1e6


def wrong_arrays(spec: Param, good: Process) -> Iterator[Any]:
    """Arrays with one wrong number, which comes last."""
    present = good.parameters().get(spec.name)
    fine = np.full(3, 0.5) if present is None else np.resize(present, max(3, present.size))
    domain = spec.within
    bad = [math.nan, math.inf, -math.inf, 1e39]
    bad += numbers_outside(domain.low, domain.high, domain.open_low)
    for number in bad:
        array = fine.astype(np.float64)
        array[-1] = number
        yield array
    if spec.default is not None and not spec.optional:
        yield None


def wrong(spec: Field[Any, Any], good: Process) -> Iterator[Any]:
    """What a field must refuse, beside what is wrong anywhere."""
    match spec:
        case Maybe():
            yield from (value for value in wrong(spec._field, good) if value is not None)
        case Param():
            yield from wrong_arrays(spec, good)
        case Real():
            yield from numbers_outside(0.0 if spec.positive else spec.low, spec.high, spec.positive)
            yield from (None, True, 1e39, np.array([0.5]))
        case Int():
            yield from (spec.low - 1, spec.high + 1, float(spec.low), True, None)
        case Pair():
            yield from (spec.low - 1, (spec.low, spec.low - 1), (1,), (1, 1, 1), 1.5, None)
        case Dims():
            yield from (0, (), (2, 0), (2, -1), 1.5, None)
        case Sizes():
            yield from ((), (2, 0), (-1, -1), -2, None)
        case Choice():
            yield from ("", None, 1, True)
        case Flag():
            yield from (None, 0, 1, "yes")
        case OnGrid():
            yield from ((64,), (64, 1), (0, 8), (64, 25), 64, True)
        case FewBits():
            yield from ((64,), (64, 1), (0, 8), (64, 25), 64, True, "int7", "")
        case Learn():
            yield from (3, [1], ["nonsense"])
        case Initial():
            yield from (3, {3: 0.0})
            yield from ({state: math.nan} for state in good.states(training=True))
        case Name():
            yield from ("", "a/b", "..", 3, True)
        case SumOfProducts():
            yield from (None, "", "x1 *", "2^-6 * z1 * x0")
        case Function() | Letters():
            yield None
        case _:
            raise NotImplementedError(f"say what {type(spec).__name__} must refuse")


def refusals(kind: type[Process]) -> Iterator[tuple[str, Any]]:
    good = default_case(kind).make()
    for name, spec in fields(kind).items():
        for value in (*ANYWHERE, *wrong(spec, good)):
            fine_name = name == "name" and isinstance(value, str) and value == "nonsense"
            if not fine_name:
                yield name, value


def arguments(process: Process) -> dict[str, Any]:
    given = {name: getattr(process, name) for name in fields(type(process))}
    return {n: False if n in process.left_out else v for n, v in given.items()}


@TYPES
def test_nonsense_is_refused_at_construction(kind: type[Process]) -> None:
    good = arguments(default_case(kind).make())
    for name, value in refusals(kind):
        try:
            kind(**{**good, name: value})
        except BidlError as error:
            check_message(kind, name, str(error))
        else:
            raise AssertionError(f"{kind.__name__} takes {name}={value!r}")


@TYPES
def test_nonsense_is_refused_when_set_and_changes_nothing(kind: type[Process]) -> None:
    process = default_case(kind).make()
    for name, value in refusals(kind):
        before = getattr(process, name)
        try:
            setattr(process, name, value)
        except BidlError as error:
            check_message(kind, name, str(error))
            assert getattr(process, name) is before
        else:
            with pytest.raises(BidlError, match=name):
                process.__post_init__()  # names and lengths: compared when the network is built
            setattr(process, name, before)


def check_message(kind: type[Process], name: str, message: str) -> None:
    """Where, what was given, and what is wanted."""
    assert kind.__name__ in message
    assert re.search(rf"\b{name}\b", message), message
    assert re.search(
        r"must|no state|no learnable|needs|is given|is not understood|is no", message
    ), message


@TYPES
def test_a_parameter_of_a_wrong_shape_is_refused_when_built(kind: type[Process]) -> None:
    """Seven numbers for five neurons, or for what else the case has."""
    case = default_case(kind)
    good = arguments(case.make())
    for name, spec in kind.param_specs.items():
        one = 0.5 if spec.default in (None, False) else spec.default
        given = {**good, name: np.full(7, int(one) if spec.whole else one)}
        with pytest.raises(BidlError, match=rf"{kind.__name__}.*\b{name}\b"):
            dataclasses.replace(case, make=lambda given=given: kind(**given)).network().build()


UNIT, POSITIVE, AT_LEAST_0 = (0.0, 1.0, False), (0.0, math.inf, True), (0.0, math.inf, False)

PROMISES = {
    r"(\w+_)?decay|momentum|p|f_\w|eps_\w+|self_excitation|kappa": UNIT,
    r"tau(_\w+)?|dt|c_m|g_l|width|eps|delta(_t)?|sigma": POSITIVE,
    r"threshold|v_theta": POSITIVE,
    r"g_(?!l)\w+|k_\d|rate|noise|(norm_)?var|t_ref|delay": AT_LEAST_0,
    r"scale_grad|grad_scale|a_plus|a_minus|[xy]\d_(tau|impulse)": AT_LEAST_0,
}
"""What a name means wherever it stands: its domain (low, high, whether low is left out)."""

EXCEPT = {
    ("sin_decay", "cos_decay"): "a factor with a sign; together checked to be at most 1",
    ("Delta.threshold", "SigmaDelta.threshold"): "0 sends every difference",
    ("Threshold.threshold",): "of an input, not of a potential that begins at 0",
    ("GradedVec.threshold", "GradedReLUVec.threshold", "ProductNeuron.threshold"): "0 sends all",
}


@TYPES
def test_a_name_keeps_its_promise(kind: type[Process]) -> None:
    known = {member for members in EXCEPT for member in members}
    for name, spec in fields(kind).items():
        if name in known or f"{kind.__name__}.{name}" in known:
            continue
        for pattern, wanted in PROMISES.items():
            if re.fullmatch(pattern, name) and isinstance(spec, Param):
                within = spec.within
                assert (within.low, within.high, within.open_low) == wanted, name
            elif re.fullmatch(pattern, name) and isinstance(spec, Real):
                low = 0.0 if spec.positive else spec.low
                assert (low, spec.high, spec.positive) == wanted, name


DIMENSIONLESS = ("LIF", "LIAF", "ElectricalLIAF", "LIFPlus", "LateResetLIF")


def test_a_threshold_without_a_unit_is_above_the_rest_at_0() -> None:
    for kind in library_types():
        spec = kind.param_specs.get("v_th")
        assert spec is None or (kind.__name__ in DIMENSIONLESS) == (spec.within.low == 0.0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LIF(alpha=[0.5, 1.5, 0.2]), r"LIF .*alpha: must be in \[0, 1\], got 1.5 at \[1\]"),
        (lambda: LIF(v_th=[[0.5], [0.0]]), r"v_th: must be > 0, got 0 at \[1, 0\]"),
        (lambda: LIF(v_th=0.0), "v_th: must be > 0, got 0$"),
        (lambda: CUBA(threshold=0.01), r"threshold: must be >= 0.015625, got 0.01"),
        (lambda: ALIF(threshold=0.5, arithmetic="integer"), "threshold: must be >= 1, got 0.5"),
        (lambda: Resonator(sin_decay=0.8, cos_decay=0.8), "sin_decay and cos_decay: must not let"),
        (lambda: AdEx(v_reset=[-70, 30]), r"v_reset: must be below v_peak = 20, got 30 at \[1\]"),
        (lambda: CurrentLIF(tau_e=[5.0, 20.0]), "tau_e: must differ from tau_m = 20"),
        (lambda: Poisson(5, rate=1.5), "rate: must be at most 1, got 1.5"),
        (lambda: Poisson(5, rate=-0.1), "rate: must be >= 0, got -0.1"),
        (lambda: LIF(initial={"v": [0.1, math.nan]}), r"initial\['v'\]: .*got nan at \[1\]"),
        (lambda: Dense(2, 1, weight=[[1.0, 1e39]]), r"weight: must be finite .*got 1e\+39 at"),
    ],
)
def test_a_message_says_where_what_was_given_and_what_is_wanted(
    make: Callable[[], Process], message: str
) -> None:
    with pytest.raises(BidlError, match=message):
        make()


@pytest.mark.parametrize(
    ("process", "name", "value", "message"),
    [
        (LIF(), "learn", "nonsense", "learn: no learnable parameter 'nonsense'; has: alpha"),
        (LIF(), "initial", {"x": 0.1}, "initial: no state 'x'; has: v"),
        (AdEx(), "v_peak", -80.0, "v_reset: must be below v_peak"),
        (CurrentLIF(), "tau_m", 5.0, "tau_e: must differ from tau_m"),
        (CUBA(threshold=0.01, arithmetic="float"), "arithmetic", "fixed", "threshold: must be >="),
    ],
)
def test_what_is_set_later_is_checked_when_built(
    process: Process, name: str, value: object, message: str
) -> None:
    setattr(process, name, value)
    net = Network()
    net.connect(net.add(Input(3)), net.add(process))
    with pytest.raises(BidlError, match=message):
        net.build()


def test_a_limit_is_compared_neuron_by_neuron() -> None:
    fine = TernaryLIF((2, 2), lower=[0.0, 2.0], upper=[[1.0, 1.5], [2.5, 3.0]])
    net = Network.sequential(Input((2, 2)), fine)
    net.build()
    fine.upper = [[1.0, 1.5], [2.5, 2.0]]
    with pytest.raises(BidlError, match=r"lower: must be below upper = 2, got 2 at \[1, 1\]"):
        net.build()


def test_arguments_are_listed_for_types_that_need_them_only() -> None:
    types = {kind.__name__ for kind in library_types()}
    assert set(REQUIRED) <= types
