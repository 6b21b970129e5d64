"""Compile step.pt for the Lynxi chip. Not verified on hardware.

To be run in the exported folder, where the vendor's compiler Lyngor is installed::

    python compile_lyngor.py [--out compiled] [--operators libcustom_ops.so]

The compiled model is in compiled/Net_0. Only documented calls are made; what each of the compiler's
functions returns was never seen here. ``--operators`` names the vendor's library of operators for
PyTorch; without it those in custom_operators.py stand for them, of which the compiler sees the
names only.
"""

import argparse
import json
import os
from typing import Any

HERE = os.path.dirname(os.path.abspath(__file__))
INFINITE = 0x7C00  # in float16
LOADED = (
    *("data", "flag", "is_initial", "shape", "dtype"),
    *("offset", "step", "uselookup", "mode", "group_id"),
)


def main() -> None:
    """Compile the folder's model."""
    parser = argparse.ArgumentParser(description="Compile step.pt. Not verified on hardware.")
    parser.add_argument("--out", default=os.path.join(HERE, "compiled"))
    parser.add_argument("--operators", help="the vendor's library of operators for PyTorch")
    options = parser.parse_args()
    try:
        import lyngor
    except ImportError:
        raise SystemExit("compile_lyngor.py: needs the vendor's package 'lyngor'") from None
    import torch

    if options.operators:
        torch.ops.load_library(options.operators)  # type: ignore[no-untyped-call]
    else:
        import custom_operators  # type: ignore[import-not-found]  # beside this file

        custom_operators.register()
    with open(os.path.join(HERE, "manifest.json"), encoding="utf-8") as file:
        manifest = json.load(file)
    print(build(lyngor, torch, manifest, options.out))


def build(lyngor: Any, torch: Any, manifest: Any, out: str) -> Any:
    """Load the model into the compiler, and build it; returns the path of the result."""
    register_converters(lyngor)
    lyngor.op_graph_batch_limit = 25
    shapes = {given["name"]: tuple(given["shape"]) for given in manifest["inputs"]}
    model = lyngor.DLModel()
    model.load(
        live(torch, os.path.join(HERE, "step.pt")),
        "Pytorch",
        inputs_dict=shapes,
        in_type=manifest["inputs"][0]["dtype"],
    )
    builder = lyngor.Builder(target="apu", is_map=True)
    said: Any = {"out_path": out, "version": 0}
    if manifest["batch"] > 1:
        said.update({"version": 1, "run_batch": manifest["batch"]})
    return builder.build(model.mod, model.params, opt_level=3, **said)


def live(torch: Any, path: str) -> Any:
    """The script as a module in evaluation mode, which the compiler traces."""

    class Step(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.script = torch.jit.load(path)

        def forward(self, *frames: Any) -> Any:
            return self.script(*frames)

    return Step().eval()


def register_converters(lyngor: Any) -> None:
    """Tell the compiler what the operators are on the chip.

    Each converter gets the operands, constants as plain values, and their types.
    """
    apu = lyngor.apu

    def load(inputs: Any, types: Any) -> Any:
        return apu.load(**{name: inputs[k] for k, name in enumerate(LOADED)})

    def save(inputs: Any, types: Any) -> Any:
        return apu.save(*inputs)

    def cmpandfire(inputs: Any, types: Any) -> Any:
        x, theta = inputs
        return window(x, theta, INFINITE, 1, 0, 0)

    def resetwithdecay(inputs: Any, types: Any) -> Any:
        x, theta, v_0, alpha, beta = inputs
        return window(x, -100.0, theta, beta, alpha, alpha * v_0 + beta)

    def window(x: Any, low: Any, high: Any, constant: Any, slope: Any, other: Any) -> Any:
        """``constant + slope x`` inside (low, high), else ``other``."""
        inside = {"const0": constant, "const1": slope, "const2": 0, "const3": 0}
        return apu.pfit(data=x, th0=low, th1=high, cfg=12, else0=other, else1=0, **inside)

    for converter in (load, save, cmpandfire, resetwithdecay):
        lyngor.pytorch_convert_map.update({"custom::" + converter.__name__: converter})


if __name__ == "__main__":
    main()
