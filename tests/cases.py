"""A small network around every registered process type.

A type that can be made without arguments needs no entry here: it is fed five values and read by a
neuron. `REQUIRED` gives arguments, input shape or drive of the others, `VARIANTS` further options
worth holding to the same contract.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import FunctionType

import numpy as np

import bidl_sim.processes as bp
from bidl_sim import Network, Process
from bidl_sim.core import registry
from bidl_sim.processes.synapses.distributions import Normal, Steps

RNG = np.random.default_rng(3)
VALUES = RNG.normal(size=(4, 5))
MASK = np.random.default_rng(4).integers(0, 2, (6, 4, 3, 3))


WEIGHT = Normal(0.5, 0.2)


def double(t: int, x: np.ndarray) -> np.ndarray:
    return 2 * x + 0.1 * t


def integer(kind: type[Process], **options: object) -> Process:
    return kind(arithmetic="integer", wrap=True, **options)


@dataclass(frozen=True)
class Case:
    name: str
    make: Callable[[], Process]
    shape: tuple[int, ...] = (5,)
    drive: float = 1.0
    """How large inputs are, for neurons in physical units to fire within a dozen steps."""

    def network(self, seed: int = 0) -> Network:
        """Input -> process -> neuron, with what the process does not have left out."""
        process = self.make()
        if isinstance(process, bp.Plasticity):
            return learning(Network(seed=seed), process)
        net = Network(seed=seed)
        if process.external:
            net.add(process)
            net.connect(process, net.add(bp.LIF(name="after")))
            return net
        self.feed(net, process)
        after = net.add(bp.LIF(name="after", alpha=0.7)) if process.out_ports else None
        for port in process.out_ports.values():
            net.connect(port, after)
        return net

    def feed(self, net: Network, process: Process) -> None:
        """Add a process, with one input for all of its InPorts that need one."""
        net.add(process)
        if process.in_ports:
            source = net.add(bp.Input(self.shape))
            if self.drive != 1:
                net.connect(source, driven := net.add(bp.Scale(self.drive)))
                source = driven
            for number, port in enumerate(process.in_ports.values()):
                if not number or process.requires_input(port.name):
                    net.connect(source, port)


def learning(net: Network, rule: bp.Plasticity) -> Network:
    """Input -> synapses -> neuron, with a rule that changes the synapses."""
    source, synapse = net.add(bp.Input(5)), bp.Sparse.fixed_in_degree(5, 4, 3, weight=WEIGHT)
    after = net.add(bp.LIF(name="after", alpha=0.7))
    net.connect(source, net.add(synapse))
    net.connect(synapse, after)
    net.add(rule).learn_between(source, synapse, after)
    return net


REQUIRED: dict[str, Case] = {
    "AdEx": Case("AdEx", bp.AdEx, drive=1e5),
    "ConductanceLIF": Case("ConductanceLIF", bp.ConductanceLIF, drive=3e3),
    "CurrentLIF": Case("CurrentLIF", bp.CurrentLIF, drive=3e3),
    "DeltaLIF": Case("DeltaLIF", bp.DeltaLIF, drive=30.0),
    "GLIF": Case("GLIF", bp.GLIF, drive=3e4),
    "HodgkinHuxley": Case("HodgkinHuxley", bp.HodgkinHuxley, drive=3e4),
    "Izhikevich": Case("Izhikevich", bp.Izhikevich, drive=1e3),
    "MultiCompartment": Case("MultiCompartment", bp.MultiCompartment, drive=1e3),
    "ArraySource": Case("ArraySource", lambda: bp.ArraySource(VALUES)),
    "AvgPool2d": Case("AvgPool2d", lambda: bp.AvgPool2d(2), (2, 6, 6)),
    "Callback": Case("Callback", lambda: bp.Callback(double, 5)),
    "Concat": Case("Concat", lambda: bp.Concat(3)),
    "Conv1d": Case("Conv1d", lambda: bp.Conv1d(2, 3, 3, padding=1), (2, 6)),
    "Conv2d": Case("Conv2d", lambda: bp.Conv2d(2, 3, 3, padding=1), (2, 6, 6)),
    "ConvTranspose2d": Case(
        "ConvTranspose2d", lambda: bp.ConvTranspose2d(2, 3, 3, stride=2, padding=1), (2, 4, 3)
    ),
    "CubaLI": Case("CubaLI", lambda: bp.CubaLI(tau_mem=0.002, r=2.0, w_in=5.0)),
    "CubaLIF": Case("CubaLIF", lambda: bp.CubaLIF(tau_mem=0.002, r=2.0, w_in=5.0, learn=True)),
    "RCLIF": Case("RCLIF", lambda: bp.RCLIF(tau=0.002, v_threshold=0.3, v_reset=-0.2, learn=True)),
    "Dense": Case("Dense", lambda: bp.Dense(5, 4)),
    "GroupMean": Case("GroupMean", lambda: bp.GroupMean(3), (6,)),
    "Einsum": Case("Einsum", lambda: bp.Einsum("ik,kj->ij", 0.5), (4, 4)),
    "Input": Case("Input", lambda: bp.Input(5)),
    "LateResetLIF": Case("LateResetLIF", lambda: bp.LateResetLIF(alpha_syn=0.4, learn=True)),
    "LoihiRule": Case("LoihiRule", lambda: bp.LoihiRule.stdp(0.1, 0.3, -0.2, 8, 9, t_epoch=3)),
    "MaxPool2d": Case("MaxPool2d", lambda: bp.MaxPool2d(2), (2, 6, 6)),
    "Poisson": Case("Poisson", lambda: bp.Poisson(5, rate=0.3)),
    "Reshape": Case("Reshape", lambda: bp.Reshape((3, -1)), (2, 3, 4)),
    "Sparse": Case("Sparse", lambda: bp.Sparse.fixed_probability(5, 4, 0.6, weight=WEIGHT, seed=2)),
    "SpikeSource": Case("SpikeSource", lambda: bp.SpikeSource(5, [0, 2, 2], [1, 0, 4])),
    "SumPool2d": Case("SumPool2d", lambda: bp.SumPool2d((2, 3), stride=1), (2, 6, 6)),
    "TimeDecimation": Case("TimeDecimation", lambda: bp.TimeDecimation(4)),
    "TemporalLinear": Case("TemporalLinear", lambda: bp.TemporalLinear(7, 3)),
    "Unpool2d": Case("Unpool2d", lambda: bp.Unpool2d((2, 3)), (2, 3, 2)),
}

VARIANTS = (
    Case("ArraySource-repeat", lambda: bp.ArraySource(VALUES, repeat=True)),
    Case("AvgPool2d-padding", lambda: bp.AvgPool2d(3, stride=2, padding=1), (2, 6, 6)),
    Case("Callback-every", lambda: bp.Callback(double, 5, every=3)),
    Case("BatchNorm-image", lambda: bp.BatchNorm(mean=[0.1, -0.1], var=[2.0, 0.5]), (2, 4, 4)),
    Case("BatchNorm-step", lambda: bp.BatchNorm(statistics="step"), (2, 4, 4)),
    Case("Concat-axis", lambda: bp.Concat(2, axis=1), (2, 3, 4)),
    Case(
        "Conv1d-groups",
        lambda: bp.Conv1d(4, 6, 3, stride=2, padding=2, dilation=2, groups=2, bias=False),
        (4, 9),
    ),
    Case(
        "Conv2d-groups",
        lambda: bp.Conv2d(4, 6, (3, 2), stride=2, padding=(2, 0), dilation=2, groups=2, bias=False),
        (4, 7, 7),
    ),
    Case(
        "Conv2d-options",
        lambda: bp.Conv2d(
            4, 6, (3, 2), groups=2, weight_norm=True, mask=MASK[:, :2, :, :2], quantize=(32, 6)
        ),
        (4, 5, 4),
    ),
    Case(
        "ConvTranspose2d-groups",
        lambda: bp.ConvTranspose2d(
            4, 6, (3, 2), 2, (2, 0), dilation=(2, 1), groups=2, output_padding=1, bias=False
        ),
        (4, 3, 4),
    ),
    Case(
        "ConvTranspose2d-options",
        lambda: bp.ConvTranspose2d(6, 4, 3, groups=2, weight_norm=True, quantize=bp.Grid()),
        (6, 3, 2),
    ),
    Case("Delay-none", lambda: bp.Delay(0.9)),
    Case("Delay-per-neuron", lambda: bp.Delay(np.array([[[0], [2.5]], [[7], [1]]])), (2, 2, 1)),
    Case("Delay-learned", lambda: bp.Delay([3.2, 0.4], max_delay=5, learn=True), (2, 3, 2)),
    Case("Dense-mask", lambda: bp.Dense(5, 4, mask=np.arange(20).reshape(4, 5) % 3 > 0)),
    Case("Dense-weight-norm", lambda: bp.Dense(5, 4, weight_norm=True)),
    Case("Dense-quantize", lambda: bp.Dense(5, 4, quantize=(64, 8))),
    Case("Dense-no-bias", lambda: bp.Dense(5, 4, bias=False)),
    Case("Einsum-outer", lambda: bp.Einsum("ak,bl->ba"), (2, 3)),
    Case(
        "ConvTranspose2d-int4",
        lambda: bp.ConvTranspose2d(4, 6, 3, groups=2, bias=False, quantize="int4"),
        (4, 3, 4),
    ),
    Case("Dense-int8", lambda: bp.Dense(5, 4, weight_norm=True, quantize="int8")),
    Case("Flatten-image", lambda: bp.Flatten(), (2, 3, 4)),
    Case("Flatten-axes", lambda: bp.Flatten(1, -2), (2, 3, 2, 2)),
    Case("GroupMean-image", lambda: bp.GroupMean(2), (4, 2, 3)),
    Case("IntegerSum-wrap", lambda: bp.IntegerSum(3, bits=4)),
    Case("LateralInhibition-grid", lambda: bp.LateralInhibition(0.3, quantize=(8, 8)), (2, 2, 1)),
    Case(
        "MeanOnlyBatchNorm-image", lambda: bp.MeanOnlyBatchNorm("step", mean=[0.2, -9]), (2, 2, 3)
    ),
    Case("WeightScaleBatchNorm-var", lambda: bp.WeightScaleBatchNorm(var=0.4), (2, 2, 3)),
    Case("GlobalAvgPool-image", lambda: bp.GlobalAvgPool(), (3, 2, 4)),
    Case("GlobalAvgPool-frame", lambda: bp.GlobalAvgPool("frame"), (3, 2, 4)),
    Case("LowPass-per-channel", lambda: bp.LowPass(tau=[2.0, 9.0], method="euler"), (2, 2, 2)),
    Case("PairSTDP-fast", lambda: bp.PairSTDP(a_plus=0.2, a_minus=0.1, w_min=-1, dt=5)),
    Case("MaxPool2d-padding", lambda: bp.MaxPool2d((3, 2), stride=2, padding=1), (2, 7, 6)),
    Case("Scale-grid", lambda: bp.Scale(0.7, -0.2, quantize=(64, 8), learn=True)),
    Case(
        "Scale-per-neuron", lambda: bp.Scale(np.arange(6).reshape(2, 3) - 2.5, [0.1, 0.2]), (2, 3)
    ),
    Case("Sparse-one-weight", lambda: bp.Sparse.fixed_in_degree(5, 4, 3, weight=0.4)),
    Case("Sparse-one-delay", lambda: bp.Sparse.all_to_all(5, 4, weight=0.3, delay=2)),
    Case(
        "Sparse-delays",
        lambda: bp.Sparse.fixed_out_degree(5, 4, 3, weight=WEIGHT, delay=Steps(0, 4), seed=1),
    ),
    Case(
        "Sparse-int4", lambda: bp.Sparse.all_to_all(5, 4, weight=WEIGHT, delay=1, quantize="int4")
    ),
    Case("TemporalLinear-float16", lambda: bp.TemporalLinear(7, 3, quantize="float16")),
    Case("SumPool2d-weight", lambda: bp.SumPool2d(2, weight=-0.4), (2, 6, 6)),
    Case("Unpool2d-overlap", lambda: bp.Unpool2d(3, 2, (1, 0), weight=0.4), (2, 3, 4)),
    Case("CUBA-float", lambda: bp.CUBA(arithmetic="float", output="graded", reset_grad="full")),
    Case("CUBA-integer", lambda: integer(bp.CUBA, threshold=[1, 2, 1], bias=1), (3, 2, 2)),
    Case("CUBA-refractory", lambda: bp.CUBA(refractory=2, reset_interval=5, threshold=0.3)),
    Case("CUBA-slayer", lambda: bp.CUBA(decay_grad="slayer", output="voltage", learn=True)),
    Case("ALIF-graded", lambda: bp.ALIF(threshold=0.4, output="graded", learn=True)),
    Case("RF-float", lambda: bp.RF.of_period(5.0, arithmetic="float", threshold=0.2)),
    Case("RF-graded", lambda: bp.RF(threshold=[0.1, 0.2], output="graded", learn=True), (2, 2, 2)),
    Case("RFIzhikevich-slayer", lambda: bp.RFIzhikevich(decay_grad="slayer", learn=True)),
    Case("ADRF-integer", lambda: integer(bp.ADRF, threshold_step=1)),
    Case("Delta-cumulated", lambda: bp.Delta(cum_error=True, threshold=0.4, learn=True)),
    Case("Delta-integer", lambda: bp.Delta(arithmetic="integer", threshold=1)),
    Case("SigmaDelta-act", lambda: bp.SigmaDelta(correction="act", activation="tanh", bias=0.2)),
    Case("SigmaDelta-float", lambda: bp.SigmaDelta(arithmetic="float", cum_error=True, learn=True)),
    Case("Threshold-ge", lambda: bp.Threshold(threshold=[0.1, 0.2], compare="ge"), (2, 3)),
    Case("Integrator-dt", lambda: bp.Integrator(r=100.0, gain="dt", learn=True)),
    Case("IF-many", lambda: bp.IF(max_spikes=100, reset="subtract", v_min=-1.0, learn=True)),
    Case("IF-two", lambda: bp.IF(max_spikes=2, v_threshold=0.5, v_reset=0.1, v_min=-0.5)),
    Case("RC-exp", lambda: bp.RC(tau=[0.002, 0.003], v_leak=0.2, method="exp"), (2, 3)),
    Case(
        "RCLIF-exp",
        lambda: bp.RCLIF(
            tau=0.003, r=2.0, v_leak=0.1, reset="subtract", method="exp", compare="ge", learn=True
        ),
    ),
    Case("LateResetLIF-value", lambda: bp.LateResetLIF(v_th=0.6, reset="value")),
    Case("LateResetLIF-now", lambda: bp.LateResetLIF(v_th=0.4, late=False)),
    Case("LIF-soft", lambda: bp.LIF(alpha=0.9, beta=0.02, reset="soft", reset_grad="detached")),
    Case("LIF-v-reset", lambda: bp.LIF(alpha=0.9, v_reset=-0.3, surrogate="rectangle")),
    Case("LIF-membrane-norm", lambda: bp.LIF(alpha=0.8, norm="membrane"), (2, 4, 4)),
    Case("LIF-membrane-norm-flat", lambda: bp.LIF(alpha=0.8, norm="membrane")),
    Case("LIF-per-channel", lambda: bp.LIF(alpha=[0.2, 0.9], v_th=[0.3, 0.6]), (2, 4, 4)),
    Case("LIF-per-neuron", lambda: bp.LIF(alpha=np.linspace(0, 1, 8).reshape(2, 2, 2)), (2, 2, 2)),
    Case("LIF-initial", lambda: bp.LIF(initial={"v": [0.1, 0.2, 0.3, 0.4, 0.45]})),
    Case("LIF-noise", lambda: bp.LIF(alpha=0.8, noise=0.5)),
    Case(
        "LIFPlus-exponential",
        lambda: bp.LIFPlus(
            decay="exponential",
            accumulation="coba_rev",
            trigger="exi",
            spike_current="sbt",
            refractory="relative",
            kappa=0.5,
            learn=("kappa", "eps_g", "delta_t", "eps_wr"),
        ),
    ),
    Case(
        "LIFPlus-linear",
        lambda: bp.LIFPlus(
            decay="linear",
            accumulation="cobe",
            trigger="qdi",
            spike_current="adt",
            refractory="absolute",
            cnt_max=2,
            v_theta=0.7,
            learn=("v_leak", "b"),
        ),
        (2, 2, 2),
    ),
    Case("LIAF-centered", lambda: bp.LIAF(output="centered", activation="tanh")),
    Case("LIAF-reset", lambda: bp.LIAF(output="reset", activation="sigmoid")),
    Case(
        "LIAF-leaked",
        lambda: bp.LIAF(output="leaked", activation="identity", reset="soft", alpha=0.9),
    ),
)


def default_case(kind: type[Process]) -> Case:
    return REQUIRED.get(kind.__name__) or Case(kind.__name__, kind)


def library_types() -> list[type[Process]]:
    return [t for t in registry.types().values() if t.__module__.startswith("bidl_sim.")]


def draws_in_training(process: Process) -> bool:
    """Whether torch's generator matters: numbers in each step, or states drawn at the beginning."""
    begins_so = any(isinstance(state.reset, str) for state in process.state_specs.values())
    return process.draws(training=True) or begins_so


def can_be_saved(process: Process) -> bool:
    """No file can hold a Python function."""
    return not any(isinstance(value, FunctionType) for value in process.options().values())


CASES = [*(default_case(kind) for kind in library_types()), *VARIANTS]
FED = [case for case in CASES if case.network().build().inputs]
ALONE = [case for case in CASES if case not in FED]
SAVED = [case for case in CASES if can_be_saved(case.make())]
DRAWN = [case for case in CASES if case.make().draws(training=False)]
DRAWN_IN_TRAINING = [case for case in FED if draws_in_training(case.make())]

NOT_SAID = {
    "Callback": "calls Python code",
    "Callback-every": "calls Python code",
    "LoihiRule": "changes other processes",
    "PairSTDP": "changes other processes",
    "PairSTDP-fast": "changes other processes",
    "Poisson": "draws random numbers",
}
"""What has no plain operations: code, weights that change, and random numbers of our own stream."""

SAID = [case for case in CASES if case.name not in NOT_SAID]


def inputs(network: Network, rng: np.random.Generator, batch: int = 3, steps: int = 12):
    """Random values for every input of a network, or None."""
    circuit = network.build()
    if not circuit.inputs:
        return None
    shape = circuit.main_signal(circuit.inputs[0]).shape
    return rng.normal(0.2, 0.6, (batch, steps, *shape))
