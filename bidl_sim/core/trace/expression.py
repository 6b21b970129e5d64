"""A step's arithmetic as a graph: what remains when a step is called on symbols.

An `Expression` stands for one number. Operators and the functions of `bidl_sim.core.intrinsics`
make larger ones; each knows its kind, "float", "int" or "bool", which combine as torch's types do.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from itertools import count
from typing import Any, NoReturn

from bidl_sim.core import intrinsics
from bidl_sim.errors import TraceError

_created = count()

ARITHMETIC = ("+", "-", "*", "/", "//", "%")
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
BITWISE = ("&", "|", "^", "<<", ">>")
FUNCTIONS = ("exp", "arctan", "tanh", "erf")
ROUNDING = ("floor", "nearest")
LOGICAL = {"+": "|", "*": "&", "max": "|", "min": "&"}
"""What torch's arithmetic does to two truth values."""


class Expression:
    """One operation on others; ``"const"`` has a value, ``"input"`` a name as its value.

    Operations are those of `ARITHMETIC`, `COMPARISONS`, `BITWISE`, `FUNCTIONS`, `ROUNDING`, and
    ``min``, ``max``, ``sqrt``, ``neg``, ``not``, ``where``, ``float`` and ``integer``
    (conversions), ``detach``, ``straight_through`` (the value of its first operand, the gradient of
    its second) and ``fire`` (its value is a function giving the surrogate derivative).
    """

    __slots__ = ("args", "kind", "number", "op", "value")

    def __init__(self, op: str, kind: str, *args: Expression, value: Any = None) -> None:
        self.op, self.kind, self.args, self.value = op, kind, args, value
        self.number = next(_created)

    def __repr__(self) -> str:
        if self.op in ("const", "input"):
            return str(self.value)
        return f"{self.op}({', '.join(map(repr, self.args))})"

    # -- operators -------------------------------------------------------------------------------

    def __add__(self, other: Any) -> Expression:
        return _arithmetic("+", self, other)

    def __radd__(self, other: Any) -> Expression:
        return _arithmetic("+", other, self)

    def __sub__(self, other: Any) -> Expression:
        return _arithmetic("-", self, other)

    def __rsub__(self, other: Any) -> Expression:
        return _arithmetic("-", other, self)

    def __mul__(self, other: Any) -> Expression:
        return _arithmetic("*", self, other)

    def __rmul__(self, other: Any) -> Expression:
        return _arithmetic("*", other, self)

    def __truediv__(self, other: Any) -> Expression:
        return _arithmetic("/", self, other)

    def __rtruediv__(self, other: Any) -> Expression:
        return _arithmetic("/", other, self)

    def __floordiv__(self, other: Any) -> Expression:
        return _arithmetic("//", self, other)

    def __mod__(self, other: Any) -> Expression:
        return _arithmetic("%", self, other)

    def __pow__(self, power: Any) -> Expression:
        if power == 0.5:
            return Expression("sqrt", "float", as_float(self))
        if isinstance(power, int) and 1 <= power <= 8:
            result = self
            for _ in range(power - 1):
                result = result * self
            return result
        raise TraceError(f"** {power}", "is no operation of a traced step; use 0.5 or 1 to 8")

    def __neg__(self) -> Expression:
        return Expression("neg", "int" if self.kind == "bool" else self.kind, self)

    def __abs__(self) -> Expression:
        return _arithmetic("max", self, -self)

    def __lt__(self, other: Any) -> Expression:
        return Expression("<", "bool", *_promoted(self, other))

    def __le__(self, other: Any) -> Expression:
        return Expression("<=", "bool", *_promoted(self, other))

    def __gt__(self, other: Any) -> Expression:
        return Expression(">", "bool", *_promoted(self, other))

    def __ge__(self, other: Any) -> Expression:
        return Expression(">=", "bool", *_promoted(self, other))

    def __eq__(self, other: object) -> Expression:  # type: ignore[override]  # elementwise
        return Expression("==", "bool", *_promoted(self, other))

    def __ne__(self, other: object) -> Expression:  # type: ignore[override]  # elementwise
        return Expression("!=", "bool", *_promoted(self, other))

    __hash__ = object.__hash__

    def __and__(self, other: Any) -> Expression:
        return _bitwise("&", self, other)

    def __or__(self, other: Any) -> Expression:
        return _bitwise("|", self, other)

    def __xor__(self, other: Any) -> Expression:
        return _bitwise("^", self, other)

    def __lshift__(self, other: Any) -> Expression:
        return _bitwise("<<", self, other)

    def __rshift__(self, other: Any) -> Expression:
        return _bitwise(">>", self, other)

    def __invert__(self) -> Expression:
        if self.kind != "bool":
            raise TraceError("~", "is no operation of a traced step on numbers")
        return Expression("not", "bool", self)

    # -- what a symbol cannot do -----------------------------------------------------------------

    def __bool__(self) -> NoReturn:
        raise TraceError("if", "a step cannot branch on a value; use where(condition, x, y)")

    def __float__(self) -> NoReturn:
        raise TraceError("float()", "a step cannot turn its values into Python numbers")

    __int__ = __index__ = __float__

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        raise TraceError(f".{name}", "is no operation of a traced step")

    def __array_ufunc__(self, function: Any, method: str, *inputs: Any, **_: Any) -> Expression:
        """A number of numpy may stand on the left of an operator; other functions are refused."""
        binary = _NUMPY.get(function.__name__)
        if binary is None or method != "__call__":
            raise TraceError(
                f"numpy.{function.__name__}",
                "is no operation of a traced step; bidl_sim.core.intrinsics has those there are",
            )
        result: Expression = binary(*map(as_expression, inputs))
        return result

    @classmethod
    def __torch_function__(cls, function: Any, *_: Any, **__: Any) -> NoReturn:
        name = getattr(function, "__name__", "function")
        raise TraceError(f"torch.{name}", "is no operation of a traced step")


_NUMPY = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "less": operator.lt,
    "less_equal": operator.le,
    "greater": operator.gt,
    "greater_equal": operator.ge,
}


def const(value: float) -> Expression:
    """A plain number as an expression."""
    kind = bool if isinstance(value, bool) else int if isinstance(value, int) else float
    return Expression("const", kind.__name__, value=kind(value))


def symbol(name: str, kind: str = "float") -> Expression:
    """A number that a kernel is given by name."""
    return Expression("input", kind, value=name)


def as_expression(value: Any) -> Expression:
    """An expression, or a plain number made one."""
    if isinstance(value, Expression):
        return value
    if isinstance(value, (bool, int, float)):
        return const(value)
    if hasattr(value, "item") and getattr(value, "ndim", 0) == 0:
        return const(value.item())  # a numpy or torch number
    raise TraceError(
        type(value).__name__, "an array inside a traced step; declare it as a parameter"
    )


def as_float(value: Expression) -> Expression:
    """The same number as a float."""
    if value.kind == "float":
        return value
    if value.op == "const":
        return const(float(value.value))
    return Expression("float", "float", value)


def is_const(value: Expression, number: float) -> bool:
    """Whether an expression is this plain number."""
    return value.op == "const" and bool(value.value == number)


def in_order(roots: Iterable[Expression], values_only: bool = False) -> list[Expression]:
    """Everything the roots are made of, operands first; without what only gradients need."""
    found: dict[int, Expression] = {}
    waiting = list(roots)
    while waiting:
        node = waiting.pop()
        if node.number not in found:
            found[node.number] = node
            waiting.extend(operands(node) if values_only else node.args)
    return [found[number] for number in sorted(found)]


def operands(node: Expression) -> tuple[Expression, ...]:
    """What the value of a node is computed from."""
    return node.args[:1] if node.op == "straight_through" else node.args


def _promoted(x: Any, y: Any) -> tuple[Expression, Expression]:
    """Operands of one kind: float if one is, else int if one is."""
    a, b = as_expression(x), as_expression(y)
    return (as_float(a), as_float(b)) if "float" in (a.kind, b.kind) else (a, b)


def _arithmetic(op: str, x: Any, y: Any) -> Expression:
    a, b = _promoted(x, y)
    if op == "/":
        a, b = as_float(a), as_float(b)
    if a.kind == b.kind == "bool" and op in LOGICAL:
        return Expression(LOGICAL[op], "bool", a, b)
    if "bool" not in (a.kind, b.kind):
        if (op == "+" and is_const(a, 0)) or (op == "*" and is_const(a, 1)):
            return b
        if op == "*" and (is_const(a, 0) or is_const(b, 0)):
            return as_float(const(0)) if a.kind == "float" else const(0)
        if (op in ("+", "-") and is_const(b, 0)) or (op in ("*", "/") and is_const(b, 1)):
            return a
    return Expression(op, "float" if a.kind == "float" else "int", a, b)


def _bitwise(op: str, x: Any, y: Any) -> Expression:
    x, y = as_expression(x), as_expression(y)
    if "float" in (x.kind, y.kind):
        raise TraceError(op, "takes integers; declare the state with dtype='int'")
    kind = "bool" if x.kind == y.kind == "bool" and op in "&|^" else "int"
    return Expression(op, kind, x, y)


# -- the intrinsics on expressions ---------------------------------------------------------------


def _function(name: str) -> Any:
    return lambda x: Expression(name, "float", as_float(x))


for _name in (*FUNCTIONS, *ROUNDING):
    getattr(intrinsics, _name).register(Expression, _function(_name))

intrinsics.maximum.register(Expression, lambda x, y: _arithmetic("max", x, y))
intrinsics.minimum.register(Expression, lambda x, y: _arithmetic("min", x, y))
intrinsics.detach.register(Expression, lambda x: Expression("detach", x.kind, x))
intrinsics.integer.register(
    Expression, lambda x: Expression("integer", "int", x) if x.kind == "float" else x
)


@intrinsics.straight_through.register(Expression)
def _straight_through(value: Expression, smooth: Any) -> Expression:
    return Expression("straight_through", "float", as_float(value), as_float(as_expression(smooth)))


@intrinsics.where.register(Expression)
def _where(condition: Expression, x: Any, y: Any) -> Expression:
    x, y = _promoted(x, y)
    if condition.kind != "bool":
        condition = condition != 0
    return Expression("where", x.kind, condition, x, y)
