"""Kernels for the GPU: right in Triton's interpreter, valid for real devices, right on one."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import warnings

import pytest
import torch
from conftest import ROOT
from populations import neurons, train_once

from bidl_sim import Network, Neuron, Simulator, State
from bidl_sim.engines.kernels.compile import triton_missing
from bidl_sim.engines.torch import kernels
from bidl_sim.engines.torch.triton_step import TritonStep
from bidl_sim.errors import TraceError
from bidl_sim.processes import LIF, Input

TRITON = pytest.mark.skipif(
    not importlib.util.find_spec("triton"),
    reason="triton is not installed: its wheels are for Linux",
)
GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")


def run_on_triton(**environment: str) -> None:
    """The tests of `on_triton.py` in a process of their own."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "parity/on_triton.py"],
        capture_output=True,
        text=True,
        cwd=ROOT / "tests",
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )
    assert done.returncode == 0, done.stdout + done.stderr


@TRITON
def test_kernels_equal_the_eager_step_in_the_interpreter() -> None:
    run_on_triton(TRITON_INTERPRET="1")


@TRITON
@GPU
def test_kernels_equal_the_eager_step_on_a_gpu() -> None:
    run_on_triton()


class Device:
    """Stands for a GPU that kernels are compiled for; nothing can be started on it."""

    def __init__(self, capability: int) -> None:
        self.capability = capability

    def get_current_target(self):
        from triton.backends.compiler import GPUTarget

        return GPUTarget("cuda", self.capability, 32)

    def get_current_device(self) -> int:
        return self.capability

    def get_current_stream(self, device: int) -> int:
        return 0


@pytest.fixture
def compiled(monkeypatch):
    """``compiled(case name, capability, dtype)``: what a training step starts, compiled only."""

    def compiled_for(name: str, capability: int, dtype: torch.dtype) -> dict:
        from triton.runtime import driver

        found = {}

        class Started:
            def __init__(self, kernel) -> None:
                self.kernel = kernel

            def __getitem__(self, grid):
                return lambda *given, **options: found.update(
                    {self.kernel.fn.__name__: self.kernel.warmup(*given, grid=grid, **options)}
                )

        right = TritonStep.compile
        monkeypatch.setattr(driver, "_active", Device(capability))
        monkeypatch.setattr(TritonStep, "compile", lambda *names: Started(right(*names)))
        monkeypatch.setitem(kernels.COMPILERS, "cpu", (TritonStep, str))
        train_once(next(c for c in neurons() if c.name == name), "fused", dtype)
        return found

    return compiled_for


F32, F64 = torch.float32, torch.float64


@TRITON
@pytest.mark.parametrize(
    ("name", "capability", "dtype"),
    [
        ("LIF", 80, F32),
        ("LIF-learned-hard-full", 80, F64),
        ("LIF-per-channel", 90, F32),
        ("LIAF-centered", 90, F64),
        ("CurrentLIF", 90, F32),
        ("Adaptive", 90, F32),
        ("Shifting", 90, F32),
    ],
)
def test_kernels_compile_for_a_gpu(compiled, name, capability, dtype) -> None:
    """To machine code, as they would be started; never run."""
    found = compiled(name, capability, dtype)
    assert found.keys() == {"forward", "backward"}
    for kernel in found.values():
        assert kernel.asm["cubin"].startswith(b"\x7fELF")
        assert f".target sm_{capability}" in kernel.asm["ptx"]


@TRITON
@pytest.mark.parametrize("dtype", [F32, F64], ids=str)
def test_every_operation_rounds_by_itself(compiled, dtype) -> None:
    """No product and sum in one, no coarse division, no denormal number made zero."""
    code = [kernel.asm["ptx"] for kernel in compiled("LIF-learned-soft-full", 90, dtype).values()]
    width = dtype.itemsize * 8
    assert not re.search(r"\bfma\.|\.ftz|\.approx|div\.full", "".join(code))
    assert f"div.rn.f{width}" in code[1]
    assert re.search(rf"mul\.(rn\.)?f{width}", code[0])


class TritonRemainder(Neuron):
    v = State(0.0)

    def step(self, a_in, v, fire):
        return fire(a_in), (v + a_in) % 1.0


def test_what_triton_has_no_word_for_stays_eager(monkeypatch) -> None:
    monkeypatch.setitem(kernels.COMPILERS, "cuda", (TritonStep, str))
    assert kernels.fused_step(TritonRemainder(3), True, (), "cpu") is not None
    assert kernels.fused_step(TritonRemainder(3), True, (), "cuda") is None
    with pytest.raises(TraceError, match="%: cannot be written for triton on float values"):
        TritonRemainder(3).source("triton-forward")


def test_without_a_compiler_there_is_one_warning(monkeypatch) -> None:
    monkeypatch.setitem(kernels.COMPILERS, "cuda", (TritonStep, lambda: "no such thing here"))
    with pytest.warns(UserWarning, match="no such thing here: populations run on slower, eager"):
        assert kernels.fused_step(LIF(3), True, (), "cuda") is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert kernels.fused_step(LIF(3), True, (), "cuda") is None


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_triton_says_why_it_does_not_work() -> None:
    assert triton_missing().startswith("triton ")


@GPU
def test_a_simulation_on_the_gpu_gives_the_spikes_of_the_cpu() -> None:
    x = torch.randn(3, 50, 40, dtype=F64).numpy()
    net = Network.sequential(Input(40), LIF())
    runs = [
        Simulator(net, dtype="float64", kernels="fused", device=device).run(x)
        for device in ("cpu", "cuda")
    ]
    assert (runs[0] == runs[1]).all()


@pytest.mark.parametrize("kind", ["triton-forward", "triton-backward"])
def test_source_is_readable(kind: str) -> None:
    text = LIF(n=3, reset="soft").source(kind)
    assert f"def {kind.removeprefix('triton-')}(" in text
    assert "s_v" in text
    assert len(text.splitlines()) < 100
    compile(text, "kernel", "exec")
