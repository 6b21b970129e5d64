"""Where fp16 rounds: operands, results and the reasons, worked out by hand.

fp16 has 11 significant bits: a unit in the last place is 2**-10 between 1 and 2, 2 between 2048 and
4096. Of two equally near values the one with an even last bit is taken.
"""

from __future__ import annotations

INF = float("inf")
TENTH = 0.0999755859375
"""0.1 in fp16: 1638 / 2**14."""

BY_VALUE = [
    ("+", (2048, 1), 2048, "2049 lies between 2048 and 2050; 2048 = 1024 units is even"),
    ("+", (2048, 3), 2052, "2051 lies between 2050 and 2052; 2052 = 1026 units is even"),
    ("+", (1, 2**-11), 1, "half a unit, down to the even one"),
    ("+", (1, 3 * 2**-11), 1 + 2**-9, "one and a half units, up to the even one"),
    ("+", (65504, 15), 65504, "the largest number and less than half a unit"),
    ("+", (65504, 16), INF, "half a unit above the largest number is infinite"),
    ("-", (2**-14, 2**-24), 1023 * 2**-24, "below 2**-14 there are numbers, too: not cut to 0"),
    ("*", (2**-24, 0.5), 0, "half the smallest number: 0 is even"),
    ("*", (2**-24, 0.75), 2**-24, "more than half the smallest number"),
    ("*", (0.9, 0.9), 1659 * 2**-11, "0.9 is 1843 / 2**11; its square is 1658.52 units"),
    ("*", (256, 256), INF, "65536 is above the largest number"),
    ("/", (1, 3), 1365 * 2**-12, "1365.33 units"),
    ("+", (0.1, 0.2), 1228 * 2**-12, "1228.5 units, to even; 0.3 is 1229 units: not reached"),
    ("exp", (1,), 1392 * 2**-9, "2.71828 is 1391.76 units"),
    ("sqrt", (2,), 1448 * 2**-10, "1.41421 is 1448.15 units"),
]
"""(operation, operands before they are rounded, result, reason)."""

SUMS = [
    # sums in float32, in float16
    ((2048, 1, 1), 2050, 2048, "narrow, each 1 is half a unit and is lost"),
    ((1, 1, 2048), 2050, 2050, "narrow sums depend on the order"),
    ((2048, 1), 2048, 2048, "a wide sum is rounded, too, at the end"),
    ((65504, 65504, -65504), 65504, INF, "a narrow sum does not come back from infinity"),
    ((TENTH,) * 10, 1, 1, "2047.5 units of 2**-11, to the even one"),
]
"""(what is added, in float32, in float16, reason)."""

RESET_WITH_DECAY = [
    # x, theta, v_0, alpha, beta; result, result with the pfit window
    ((1.0, 1.0, 0.0, 0.5, 0.0), 0.5, 0.5, "at the threshold it does not fire"),
    ((1.0009765625, 1.0, 0.25, 0.5, 0.0), 0.125, 0.125, "one unit above it does"),
    ((1.7, 2.0, 0.0, 0.9, 0.05), 1618 * 2**-10, 1618 * 2**-10, "product, then sum, are rounded"),
    ((-99.9375, 1.0, 4.0, 0.5, 1.0), -48.96875, -48.96875, "inside the window"),
    ((-100.0, 1.0, 4.0, 0.5, 1.0), -49.0, 3.0, "at its lower end taken for one that fired"),
    ((-120.0, 1.0, 4.0, 0.5, 1.0), -59.0, 3.0, "below, too"),
]
"""(operands, result, result with the window of the piecewise fit, reason)."""

TO_UINT8 = [(0, 0), (255, 255), (256, 0), (257, 1), (-1, 255), (3.9, 3), (-3.9, 253)]
"""(value, what an input of uint8 makes of it): cut towards zero, then modulo 256."""
