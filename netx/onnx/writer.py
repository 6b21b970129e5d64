"""The nodes of an ONNX graph as they are written: plain operators, and the constants they take."""

from __future__ import annotations

from typing import Any

import numpy as np

from bidl_sim.errors import FormatError, MissingExtraError
from bidl_sim.netx.step.graph import Tensor
from bidl_sim.typing import Array, Shape

OPSET = 18
"""Of the standard operators."""
IR_VERSION = 8
"""The first with model-local functions."""
DTYPES = ("float32", "float64", "float16")
MOST = 2**31 - 2**20
"""A file holds less than 2 GiB."""
BATCH = "batch"
"""The name of the free axis."""


def import_onnx() -> Any:
    """The package, or an error that says which extra brings it."""
    try:
        import onnx
    except ImportError:
        raise MissingExtraError("writing ONNX", "onnx", "onnx") from None
    return onnx


class Writer:
    """Nodes and initializers of one graph, in one float format."""

    def __init__(self, dtype: str) -> None:
        self.onnx = import_onnx()
        self.float = np.dtype(dtype)
        self.nodes: list[Any] = []
        self.initializers: dict[str, Any] = {}
        self._size = 0

    def dtype(self, kind: str) -> Any:
        """The numpy format of a kind of values."""
        return {"float": self.float, "int": np.dtype(np.int64), "bool": np.dtype(bool)}[kind]

    def onnx_type(self, kind: str) -> int:
        """ONNX's number for it."""
        number: int = self.onnx.helper.np_dtype_to_tensor_dtype(self.dtype(kind))
        return number

    def add(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Write an operator; returns the name of its result."""
        self.nodes.append(self.onnx.helper.make_node(operator, inputs, [output], **attributes))
        return output

    def array(self, name: str, value: Any) -> str:
        """Write a constant array as it is, once; returns its name."""
        if name not in self.initializers:
            self._size += np.asarray(value).nbytes
            if self._size > MOST:
                raise FormatError(name, f"is too much: a file holds {MOST:,} bytes of numbers")
            tensor = self.onnx.numpy_helper.from_array(np.ascontiguousarray(value), name)
            tensor.dims[:] = np.shape(value)
            self.initializers[name] = tensor
        return name

    def whole(self, *numbers: int) -> str:
        """Write whole numbers, such as axes, as a constant."""
        return self.array(f"int64{list(numbers)}", np.array(numbers, np.int64))

    def name(self, x: Tensor) -> str:
        """The name of a tensor, written first if it is a constant."""
        if x.value is None:
            return x.name
        return self.array(x.name, self.formatted(x.name, x.value, x.kind))

    def formatted(self, name: str, value: Array, kind: str) -> Array:
        """An array in the format of its kind; what that cannot hold is refused."""
        with np.errstate(over="ignore"):
            given = value.astype(self.dtype(kind))
        if np.isinf(given).any() and not np.isinf(value).any():
            raise FormatError(
                name, f"holds numbers that {self.float} cannot, such as {value.max()}"
            )
        return given

    def value_info(self, name: str, shape: Shape, kind: str, lead: tuple[str, ...]) -> Any:
        """An input or output, with its free axes in front."""
        return self.onnx.helper.make_tensor_value_info(name, self.onnx_type(kind), [*lead, *shape])
