"""Run the compiled model on a Lynxi chip. Not verified on hardware.

To be run where the vendor's runtime LynSDK is installed, with frames (samples, time, *shape)::

    python run_lynsdk.py --input x.npy --output y.npy [--model compiled/Net_0] [--device 0]

Written are the outputs of all steps, (samples, time, values). Only documented calls are made.
"""

import argparse
import json
import os
from typing import Any, List

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))


def main() -> None:
    """Run samples from file to file, each from the declared state."""
    parser = argparse.ArgumentParser(description="Run on a chip. Not verified on hardware.")
    parser.add_argument("--input", required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--model", default=os.path.join(HERE, "compiled", "Net_0"))
    parser.add_argument("--device", type=int, default=0)
    options = parser.parse_args()
    try:
        import pylynchipsdk
    except ImportError:
        raise SystemExit("run_lynsdk.py: needs the vendor's package 'pylynchipsdk'") from None
    with open(os.path.join(HERE, "manifest.json"), encoding="utf-8") as file:
        batch = json.load(file)["batch"]
    samples = np.load(options.input, allow_pickle=False)
    whole = len(samples) // batch * batch
    if whole < len(samples):
        print(f"left out: the last {len(samples) - whole} samples, no batch of {batch}")
    chip = Chip(pylynchipsdk, options.model, options.device)
    outputs = []
    for first in range(0, whole, batch):
        frames = np.moveaxis(samples[first : first + batch], 0, 1)
        chip.reset()
        outputs.append(np.moveaxis(chip.run(frames), 0, 1))
    chip.close()
    np.save(options.output, np.concatenate(outputs))


class ChipError(OSError):
    """A call of the runtime failed, or what it runs is another model."""


class Chip:
    """A compiled model on one device, driven step by step.

    Parameters
    ----------
    sdk
        The module pylynchipsdk.
    path
        The folder Net_0.
    device
        Its number.

    Attributes
    ----------
    batch, input_bytes, output_bytes
        Samples at once, and bytes of a step for one sample.
    """

    def __init__(self, sdk: Any, path: Any, device: int = 0) -> None:
        self.sdk = sdk
        self.errors: List[Any] = []
        devices = self._value("lyn_get_device_count")
        if not device < devices:
            raise ChipError(f"device {device}: there are {devices}")
        self.context = self._value("lyn_create_context", device)
        self._done("lyn_set_current_context", self.context)
        self._done("lyn_register_error_handler", self._on_error)
        self.send = self._value("lyn_create_stream")
        self.receive = self._value("lyn_create_stream")
        self.received = self._value("lyn_create_event")
        self.model = self._value("lyn_load_model", str(path))
        described = self._value("lyn_model_get_desc", self.model)
        given, sent = described.inputTensorAttrArray[0], described.outputTensorAttrArray[0]
        self.batch = given.batchSize
        self.input_bytes, self.output_bytes = described.inputDataLen, described.outputDataLen
        self.input_dtype, self.output_dtype = self._numpy(given.dtype), self._numpy(sent.dtype)
        self._has_run = False

    def reset(self) -> None:
        """Go back to the declared state, once what was sent before has been received."""
        self._done("lyn_set_current_context", self.context)
        if self._has_run:
            self._done("lyn_stream_wait_event", self.send, self.received)
        self._done("lyn_model_reset_async", self.send, self.model)

    def run(self, frames: Any) -> Any:
        """Steps from the present state on.

        Takes (time, batch, ...), cast to the format of the model; gives (time, batch, values).
        """
        sdk, steps = self.sdk, len(frames)
        self._done("lyn_set_current_context", self.context)
        frames = np.ascontiguousarray(frames, self.input_dtype).reshape(-1)
        into, out = self.input_bytes * self.batch, self.output_bytes * self.batch
        if frames.nbytes != into * steps:
            raise ChipError(f"input: {frames.nbytes} bytes, the model takes {into * steps}")
        outputs = np.zeros(out * steps // self.output_dtype.itemsize, self.output_dtype)
        given, sent = (
            self._value("lyn_malloc", into * steps),
            self._value("lyn_malloc", out * steps),
        )
        to_device = sdk.lyn_memcpy_dir_t.ClientToServer
        to_host = sdk.lyn_memcpy_dir_t.ServerToClient
        host = sdk.lyn_numpy_to_ptr(frames)
        self._done("lyn_memcpy_async", self.send, given, host, into * steps, to_device)
        for k in range(steps):
            places = sdk.lyn_addr_seek(given, into * k), sdk.lyn_addr_seek(sent, out * k)
            self._done("lyn_model_send_input_async", self.send, self.model, *places, self.batch)
            self._done("lyn_model_recv_output_async", self.receive, self.model)
        self._done("lyn_record_event", self.receive, self.received)
        self._has_run = True
        self._done("lyn_synchronize_stream", self.receive)
        self._done("lyn_synchronize_stream", self.send)
        self._done("lyn_memcpy", sdk.lyn_numpy_to_ptr(outputs), sent, out * steps, to_host)
        self._done("lyn_free", given)
        self._done("lyn_free", sent)
        return outputs.reshape(steps, self.batch, -1)

    def close(self) -> None:
        """Give everything back."""
        self._done("lyn_set_current_context", self.context)
        self._done("lyn_unload_model", self.model)
        self._done("lyn_destroy_event", self.received)
        self._done("lyn_destroy_stream", self.receive)
        self._done("lyn_destroy_stream", self.send)
        self._done("lyn_destroy_context", self.context)

    def _value(self, call: str, *arguments: Any) -> Any:
        """What a call returns beside its code."""
        value, code = getattr(self.sdk, call)(*arguments)
        self._check(call, code)
        return value

    def _done(self, call: str, *arguments: Any) -> None:
        self._check(call, getattr(self.sdk, call)(*arguments))

    def _check(self, call: str, code: int) -> None:
        if code or self.errors:
            raise ChipError(f"{call}: code {code or self.errors}")

    def _on_error(self, stream: Any, message: Any, parameters: Any) -> None:
        """Called by the runtime; the next call raises."""
        self.errors.append(message.errCode)

    def _numpy(self, dtype: Any) -> Any:
        """The numpy format of one of the runtime's."""
        kinds = self.sdk.lyn_data_type_t
        known = {
            kinds.DT_FLOAT16: "float16",
            kinds.DT_FLOAT: "float32",
            kinds.DT_UINT8: "uint8",
            kinds.DT_INT8: "int8",
        }
        if dtype not in known:
            raise ChipError(f"the model's format {dtype} is none of {sorted(known.values())}")
        return np.dtype(known[dtype])


if __name__ == "__main__":
    main()
