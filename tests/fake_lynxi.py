"""Stand-ins for the vendor's compiler and runtime: they note the documented calls.

The runtime has memory and computes steps on the host, so that what it gives can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from types import SimpleNamespace
from typing import Any

import numpy as np


class Copies(Enum):
    ClientToServer = 0
    ServerToClient = 1


class Formats(Enum):
    DT_FLOAT16 = 0
    DT_FLOAT = 1
    DT_UINT8 = 2
    DT_INT8 = 3
    DT_BF16 = 4


@dataclass
class Address:
    memory: np.ndarray
    offset: int = 0

    def bytes(self, size: int) -> np.ndarray:
        assert self.offset + size <= self.memory.size, "beyond the end of the memory"
        return self.memory[self.offset : self.offset + size]


@dataclass
class Sdk:
    """The runtime: one device, one model, which ``host`` computes.

    ``fails`` gives the codes that calls return.
    """

    host: Any
    batch: int = 1
    dtype: Formats = Formats.DT_FLOAT16
    fails: dict[str, int] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    allocated: int = 0

    lyn_memcpy_dir_t = Copies
    lyn_data_type_t = Formats

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name.startswith("lyn_") and callable(found) and not isinstance(found, type):
            self.calls.append(name)
            if name in self.fails:
                return lambda *_: self.fails[name]
        return found

    def lyn_get_device_count(self):
        return 1, 0

    def lyn_create_context(self, device):
        return f"context {device}", 0

    def lyn_create_stream(self):
        odd = self.calls.count("lyn_create_stream") % 2
        return f"stream to {'send' if odd else 'receive'}", 0

    def lyn_create_event(self):
        return "event", 0

    def lyn_load_model(self, path):
        assert path.endswith("Net_0")
        return "model", 0

    def lyn_model_get_desc(self, model):
        def tensor():
            return SimpleNamespace(batchSize=self.batch, dtype=self.dtype)

        return (
            SimpleNamespace(
                inputTensorAttrArray=[tensor() for _ in self.host.inputs],
                outputTensorAttrArray=[tensor() for _ in self.host.outputs],
                inputDataLen=2 * sum(int(np.prod(s)) for s in self.host.inputs.values()),
                outputDataLen=2 * sum(int(np.prod(s)) for s in self.host.outputs.values()),
            ),
            0,
        )

    def lyn_malloc(self, size):
        self.allocated += 1
        return Address(np.zeros(size, np.uint8)), 0

    def lyn_free(self, address):
        self.allocated -= 1
        return 0

    def lyn_addr_seek(self, address, size):
        return Address(address.memory, address.offset + size)

    def lyn_numpy_to_ptr(self, array):
        assert array.flags.c_contiguous
        return Address(array.view(np.uint8))

    def lyn_memcpy(self, to, source, size, direction):
        assert direction is Copies.ServerToClient
        to.bytes(size)[:] = source.bytes(size)
        return 0

    def lyn_memcpy_async(self, stream, to, source, size, direction):
        assert direction is Copies.ClientToServer
        to.bytes(size)[:] = source.bytes(size)
        return 0

    def lyn_model_reset_async(self, stream, model):
        assert stream.endswith("to send")
        self.host.reset()
        return 0

    def lyn_model_send_input_async(self, stream, model, given, sent, batch):
        assert (stream, batch) == ("stream to send", self.batch)
        size = sum(int(np.prod(s)) for s in self.host.inputs.values())
        frame = given.bytes(2 * size).view(np.float16).reshape(1, 1, size)
        values = self.host.machine.run(frame).astype(np.float16)
        sent.bytes(values.nbytes)[:] = values.reshape(-1).view(np.uint8)
        return 0

    def lyn_model_recv_output_async(self, stream, model):
        assert stream == "stream to receive"
        return 0

    def _good(self, *arguments):
        return 0

    lyn_set_current_context = lyn_record_event = lyn_stream_wait_event = _good
    lyn_synchronize_stream = lyn_unload_model = lyn_destroy_event = _good
    lyn_destroy_stream = lyn_destroy_context = _good

    def lyn_register_error_handler(self, handler):
        self.handler = handler
        return 0


class Lyngor:
    """The compiler: what it was told, in ``said``."""

    def __init__(self) -> None:
        self.said: dict[str, Any] = {}
        self.pytorch_convert_map: dict[str, Any] = {}
        self.op_graph_batch_limit = None
        self.apu = SimpleNamespace(
            load=lambda **said: ("load", said),
            save=lambda *said: ("save", said),
            pfit=lambda **said: said,
        )

    def DLModel(self):
        def load(module, kind, **said):
            self.said["load"] = (module, kind, said)

        return SimpleNamespace(load=load, mod="relay", params="numbers")

    def Builder(self, **said):
        self.said["builder"] = said

        def build(*given, **said):
            self.said["build"] = (given, said)
            return said["out_path"]

        return SimpleNamespace(build=build)
