"""Neurons as other libraries have them: attributes under their names, and what a step computes.

With them, what is read of a library's modules is tested where the library is not installed; the
libraries themselves are in tests/parity/test_model_libraries.py.
"""

from __future__ import annotations

from types import SimpleNamespace

import torch
from torch import nn


class Neuron(nn.Module):
    """Keeps v and i from call to call, as long as shapes are the same."""

    def __init__(self, **attributes) -> None:
        super().__init__()
        for name, value in attributes.items():
            setattr(self, name, value)
        self.v = self.i = None

    def forward(self, x):
        if self.v is None:
            self.v, self.i = torch.zeros_like(x) + self.start(), torch.zeros_like(x)
        out, self.v, self.i = self.step(x, self.v, self.i)
        return out

    def start(self) -> float:
        return 0.0


def tensor(value) -> torch.Tensor:
    return torch.as_tensor(value, dtype=torch.float64)


# -- snnTorch ----------------------------------------------------------------------------------


class Leaky(Neuron):
    __module__ = "snntorch._neurons.leaky"

    def __init__(self, beta, threshold=1.0, reset_mechanism="subtract", reset_delay=True, **more):
        more = {"inhibition": False, "state_quant": False, **more}
        super().__init__(
            beta=tensor(beta), threshold=tensor(threshold), reset_mechanism=reset_mechanism,
            reset_delay=reset_delay, graded_spikes_factor=tensor(1.0), **more,
        )  # fmt: skip

    def step(self, x, v, i):
        due = (v > self.threshold).double()
        v = self.charged(x, v, due)
        s = (v > self.threshold).double()
        if not self.reset_delay:
            less = {"subtract": self.threshold, "zero": v, "none": 0.0}[self.reset_mechanism]
            v = v - (s - due) * less
        return s, v, self.i

    def charged(self, x, v, due):
        if self.reset_mechanism == "zero":
            v = (1 - due) * v
        v = self.beta.clamp(0, 1) * v + x
        return v - due * self.threshold if self.reset_mechanism == "subtract" else v


class Synaptic(Leaky):
    __module__ = "snntorch._neurons.synaptic"

    def __init__(self, alpha, beta, **more) -> None:
        super().__init__(beta, alpha=tensor(alpha), **more)

    def charged(self, x, v, due):
        self.i = self.alpha * self.i + x
        v = self.beta * v + self.i
        lost = {"subtract": self.threshold, "zero": v, "none": 0.0}[self.reset_mechanism]
        return v - due * lost


class OneToOne(nn.Module):
    def __init__(self, V) -> None:
        super().__init__()
        self.V = tensor(V)

    def forward(self, x):
        return x * self.V


class RLeaky(Leaky):
    __module__ = "snntorch._neurons.rleaky"

    def __init__(self, beta, recurrent, **more) -> None:
        all_to_all = isinstance(recurrent, nn.Linear)
        super().__init__(beta, **more, recurrent=recurrent.double(), all_to_all=all_to_all)
        self.spk = tensor(0.0)

    def step(self, x, v, i):
        x = x + self.recurrent(self.spk + torch.zeros_like(x))
        self.spk, v, i = super().step(x, v, i)
        return self.spk, v, i

    def charged(self, x, v, due):
        v = self.beta * v + x
        lost = {"subtract": self.threshold, "zero": v, "none": 0.0}[self.reset_mechanism]
        return v - due * lost


# -- SpikingJelly ------------------------------------------------------------------------------


class IFNode(Neuron):
    __module__ = "spikingjelly.activation_based.neuron.integrate_and_fire"

    def __init__(self, v_threshold=1.0, v_reset=0.0, **more) -> None:
        super().__init__(v_threshold=v_threshold, v_reset=v_reset, **more)

    def start(self) -> float:
        return self.v_reset or 0.0

    def step(self, x, v, i):
        v, i = self.charged(x, v, i)
        s = (v >= self.v_threshold).double()
        if self.v_reset is None:
            return s, v - s * self.v_threshold, i
        return s, torch.where(s > 0, self.v_reset, v), i

    def charged(self, x, v, i):
        return v + x, i


class LIFNode(IFNode):
    __module__ = "spikingjelly.activation_based.neuron.lif"

    def charged(self, x, v, i):
        rest = v - (self.v_reset or 0.0)
        if self.decay_input:
            return v + (x - rest) / self.tau, i
        return v - rest / self.tau + x, i


class ParametricLIFNode(LIFNode):
    __module__ = "spikingjelly.activation_based.neuron.plif"

    @property
    def tau(self):
        return 1 / self.w.sigmoid()


class CUBALIFNode(IFNode):
    __module__ = "spikingjelly.activation_based.neuron.lif_variants"

    def charged(self, x, v, i):
        i = self.c_decay * i + x
        return self.v_decay * v + i, i


class Linear(nn.Linear):
    """Its forward looks at time first."""

    __module__ = "spikingjelly.activation_based.layer.stateless_wrapper"

    def forward(self, x):
        return super().forward(x)


# -- norse -------------------------------------------------------------------------------------


def reset_value(z, v, reset, threshold):
    return torch.where(z > 0, reset, v)


def reset_subtract(z, v, reset, threshold):
    return v - z * threshold


class LIFBoxCell(Neuron):
    __module__ = "norse.torch.module.lif_box"

    def __init__(self, dt=1e-3, **p) -> None:
        method = {"reset_method": p.pop("reset_method", reset_value)}
        values = {"tau_mem_inv": 100.0, "tau_syn_inv": 200.0, "v_leak": 0.0, "v_th": 1.0}
        values = {"v_reset": 0.0, **values, **p}
        super().__init__(
            p=SimpleNamespace(**{n: tensor(v) for n, v in values.items()}, **method), dt=dt
        )

    def start(self):
        return self.p.v_leak

    def step(self, x, v, i):
        p = self.p
        v, i = self.charged(x, v, i)
        z = (v > p.v_th).double()
        return z, p.reset_method(z, v, p.v_reset, p.v_th), i

    def charged(self, x, v, i):
        return v + self.dt * self.p.tau_mem_inv * (self.p.v_leak - v + x), i


class LIFCell(LIFBoxCell):
    __module__ = "norse.torch.module.lif"

    def charged(self, x, v, i):
        i = i + x
        v = v + self.dt * self.p.tau_mem_inv * (self.p.v_leak - v + i)
        return v, i - self.dt * self.p.tau_syn_inv * i


class LICell(LIFCell):
    __module__ = "norse.torch.module.leaky_integrator"

    def step(self, x, v, i):
        v, i = self.charged(x, v, i)
        return v, v, i


class LIBoxCell(LIFBoxCell):
    __module__ = "norse.torch.module.leaky_integrator_box"

    def step(self, x, v, i):
        v, i = self.charged(x, v, i)
        return v, v, i


class IAFCell(LIFBoxCell):
    __module__ = "norse.torch.module.iaf"

    def start(self):
        return self.p.v_reset

    def charged(self, x, v, i):
        return v + x, i


class SequentialState(nn.Sequential):
    __module__ = "norse.torch.module.sequential"

    def forward(self, x):
        return super().forward(x)


# -- sinabs ------------------------------------------------------------------------------------


class MultiSpike: ...


class SingleSpike: ...


class MaxSpike(SimpleNamespace): ...


class MembraneSubtract(SimpleNamespace): ...


class MembraneReset(SimpleNamespace): ...


class LIF(Neuron):
    __module__ = "sinabs.layers.lif"

    def __init__(self, tau_mem, tau_syn=None, spike_threshold=1.0, **more) -> None:
        usual = {
            "spike_fn": MultiSpike,
            "reset_fn": MembraneSubtract(subtract_value=None),
            "min_v_mem": None,
            "norm_input": True,
        }
        super().__init__(
            tau_mem_calculated=tensor(tau_mem),
            tau_syn_calculated=None if tau_syn is None else tensor(tau_syn),
            spike_threshold=tensor(spike_threshold),
            **{**usual, **more},
        )

    def step(self, x, v, i):
        if self.tau_syn_calculated is not None:
            x = i = torch.exp(-1 / self.tau_syn_calculated) * (i + x)
        keep = torch.exp(-1 / self.tau_mem_calculated)
        v = keep * v + ((1 - keep) * x if self.norm_input else x)
        s = self.spikes(v)
        v = (
            v - s * self.spike_threshold
            if hasattr(self.reset_fn, "subtract_value")
            else v * (s == 0)
        )
        return s, v if self.min_v_mem is None else v.clamp(min=self.min_v_mem), i

    def spikes(self, v):
        s = (v > 0) * torch.trunc(v / self.spike_threshold)
        if self.spike_fn is SingleSpike:
            return (v >= self.spike_threshold).double()
        return s.clamp(max=getattr(self.spike_fn, "max_num_spikes_per_bin", torch.inf))


class IAFSqueeze(LIF):
    __module__ = "sinabs.layers.iaf"

    def __init__(self, **more) -> None:
        super().__init__(torch.inf, norm_input=False, **more)


class ExpLeak(LIF):
    __module__ = "sinabs.layers.exp_leak"

    def step(self, x, v, i):
        keep = torch.exp(-1 / self.tau_mem_calculated)
        v = keep * v + ((1 - keep) * x if self.norm_input else x)
        return v, v, i
