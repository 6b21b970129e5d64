"""The options of LIF+, stage by stage, each given by its equations.

An equation takes by name what it needs: the input ``a_in``, states, parameters, and what equations
before it gave. So it also says which states and parameters an option has.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from bidl_sim.core.intrinsics import exp, maximum, minimum, where

Equations: TypeAlias = Mapping[str, Callable[..., Any]]

LARGEST_EXPONENT = 11.0
"""Of "exi": half precision holds no more than exp(11)."""


@dataclass(frozen=True)
class Option:
    """One option of a stage.

    ``drive`` is evaluated before the spike test, ``jump`` after it, with the spike ``s``. ``move``
    gives the potential when nothing arrives; it acts on the potential before the step, or, if
    ``moves_last``, on that after the reset.
    """

    drive: Equations = field(default_factory=dict)
    move: Equations = field(default_factory=dict)
    jump: Equations = field(default_factory=dict)
    moves_last: bool = False


DECAY = {
    "basic": Option(
        drive={"gain": lambda: 1.0},
        move={"leaked": lambda v, alpha, beta: alpha * v + beta},
        moves_last=True,
    ),
    "exponential": Option(
        drive={"gain": lambda kappa: kappa},
        move={"leaked": lambda v, kappa, v_0: v + kappa * (v_0 - v)},
    ),
    "linear": Option(
        drive={"gain": lambda: 1.0},
        move={"leaked": lambda v, v_leak: v - v_leak},
    ),
}

COBE: Equations = {"g": lambda g, a_in, eps_g: (1 - eps_g) * g + a_in}
COBA: Equations = {
    "y": lambda y, a_in, eps_g: (1 - eps_g) * y + a_in,
    "g": lambda g, y, eps_g: (1 - eps_g) * g + math.e * eps_g * y,
}
CURRENT: Equations = {"current": lambda g: g}
REVERSED: Equations = {"current": lambda g, v, v_g: (v_g - v) * g}

ACCUMULATION = {
    "cub": Option(drive={"current": lambda a_in: a_in}),
    "cobe": Option(drive={**COBE, **CURRENT}),
    "coba": Option(drive={**COBA, **CURRENT}),
    "cobe_rev": Option(drive={**COBE, **REVERSED}),
    "coba_rev": Option(drive={**COBA, **REVERSED}),
}

TRIGGER = {
    "naive": Option(
        drive={"threshold": lambda v_th: v_th},
        move={"moved": lambda leaked: leaked},
    ),
    "exi": Option(
        drive={"threshold": lambda v_theta: v_theta},
        move={
            "moved": lambda leaked, v, gain, v_th, delta_t: (
                leaked + gain * delta_t * exp(minimum((v - v_th) / delta_t, LARGEST_EXPONENT))
            )
        },
    ),
    "qdi": Option(
        drive={"threshold": lambda v_theta: v_theta},
        move={"moved": lambda leaked, v, v_c: v + (leaked - v) * (v_c - v)},
    ),
}

PUSH: Equations = {"push": lambda w: w}
INHIBIT: Equations = {"w": lambda w, s, b: w - s * b}

SPIKE_CURRENT = {
    "none": Option(drive={"push": lambda: 0.0}),
    "adt": Option(drive={"w": lambda w, eps_w: (1 - eps_w) * w, **PUSH}, jump=INHIBIT),
    "sbt": Option(
        drive={
            "w": lambda w, v, eps_w, kappa, a, v_w: (1 - eps_w) * w + kappa * a * (v - v_w),
            **PUSH,
        },
        jump=INHIBIT,
    ),
}

REFRACTORY = {
    "none": Option(drive={"pull": lambda: 0.0}),
    "absolute": Option(
        drive={
            "current": lambda current, cnt: where(cnt > 0, 0.0, current),
            "cnt": lambda cnt: maximum(cnt - 1, 0),
            "pull": lambda: 0.0,
        },
        jump={"cnt": lambda cnt, s, cnt_max: where(s > 0, cnt_max, cnt)},
    ),
    "relative": Option(
        drive={
            "r": lambda r, eps_r: (1 - eps_r) * r,
            "w_r": lambda w_r, eps_wr: (1 - eps_wr) * w_r,
            "pull": lambda v, r, v_rr, w_r, v_ar: r * (v_rr - v) + w_r * (v_ar - v),
        },
        jump={"r": lambda r, s, q_r: r - s * q_r, "w_r": lambda w_r, s, b_r: w_r - s * b_r},
    ),
}

STAGES: Mapping[str, Mapping[str, Option]] = {
    "decay": DECAY,
    "accumulation": ACCUMULATION,
    "trigger": TRIGGER,
    "spike_current": SPIKE_CURRENT,
    "refractory": REFRACTORY,
}
