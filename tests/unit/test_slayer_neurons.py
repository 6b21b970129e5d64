"""Neurons of lava-dl against plain integers, in every arithmetic and on both engines."""

from __future__ import annotations

import numpy as np
import pytest

import bidl_sim.processes as bp
from bidl_sim import Network, Process, Simulator
from bidl_sim.errors import ParameterError
from bidl_sim.processes.neurons.resonator import rotation, spread_rotation


def towards_zero(x):
    """The product of a state and a 12-bit factor, cut."""
    return np.sign(x) * (np.abs(x) >> 12)


def cuba(a, p):
    u = v = np.zeros(a.shape[2:], int)
    for t in range(a.shape[1]):
        u = towards_zero(u * (4096 - p["current_decay"])) + 64 * a[0, t]
        v = towards_zero(v * (4096 - p["voltage_decay"])) + u
        s = v > 64 * p["threshold"]
        v = np.where(s, 0, v)
        yield s


def alif(a, p):
    u = v = raised = refractory = np.zeros(a.shape[2:], int)
    for t in range(a.shape[1]):
        u = towards_zero(u * (4096 - p["current_decay"])) + 64 * a[0, t]
        v = towards_zero(v * (4096 - p["voltage_decay"])) + u
        raised = towards_zero(raised * (4096 - p["threshold_decay"]))
        refractory = towards_zero(refractory * (4096 - p["refractory_decay"]))
        level = 64 * p["threshold"] + raised
        s = v >= level + refractory
        yield s
        raised = raised + s * 64 * p["threshold_step"]
        refractory = refractory + 2 * s * level


def turning(a, p):
    """Oscillators of all four kinds; the generator says what is compared with what."""
    re = im = raised = refractory = np.zeros(a.shape[2:], int)
    sin, cos = p["sin_decay"], p["cos_decay"]
    adaptive = "threshold_step" in p
    for t in range(a.shape[1]):
        before = im
        re, im = (
            towards_zero(cos * re) - towards_zero(sin * im) + 64 * a[0, t],
            towards_zero(sin * re) + towards_zero(cos * im) + 64 * a[1, t],
        )
        level = base = 64 * p["threshold"] + raised
        if adaptive:
            raised = towards_zero(raised * (4096 - p["threshold_decay"]))
            refractory = towards_zero(refractory * (4096 - p["refractory_decay"]))
            base = 64 * p["threshold"] + raised
            level = base + refractory
        s = (re >= level) & (im >= 0) & (before < 0) if p["at_phase"] else im >= level
        yield s
        if adaptive:
            raised = raised + s * 64 * p["threshold_step"]
            refractory = refractory + 2 * s * base
        elif not p["at_phase"]:
            re, im = np.where(s, 0, re), np.where(s, level - 1, im)


MEMBRANE = {"current_decay": (0, 4097), "voltage_decay": (0, 4097)}
TURN = {"sin_decay": (200, 2800), "cos_decay": (200, 2800)}
ADAPTIVE = {
    "threshold_step": (0, 60),
    "threshold_decay": (0, 4097),
    "refractory_decay": (0, 4097),
}
MODELS = {
    "CUBA": (cuba, MEMBRANE, {}),
    "ALIF": (alif, {**MEMBRANE, **ADAPTIVE}, {}),
    "RF": (turning, TURN, {"at_phase": True}),
    "RFIzhikevich": (turning, TURN, {"at_phase": False}),
    "ADRF": (turning, {**TURN, **ADAPTIVE}, {"at_phase": True}),
    "ADRFIzhikevich": (turning, {**TURN, **ADAPTIVE}, {"at_phase": False}),
}


def drawn(name: str, seed: int) -> tuple[dict[str, int], np.ndarray]:
    """Random parameters and inputs ``(port, time, neuron)``, in mantissas and 1 / 4096."""
    rng = np.random.default_rng(seed)
    parameters = {n: int(rng.integers(*span)) for n, span in MODELS[name][1].items()}
    parameters["threshold"] = int(rng.integers(5, 120))
    return parameters, rng.integers(-90, 110, (2, 60, 8))


def neuron(name: str, parameters: dict[str, int], arithmetic: str, **options) -> Process:
    unit = 1 if arithmetic == "integer" else 64
    given = {
        n: x / (unit if n in ("threshold", "threshold_step") else 4096)
        for n, x in parameters.items()
    }
    return getattr(bp, name)(name="p", arithmetic=arithmetic, **given, **options)


def spikes(process: Process, a: np.ndarray, **options) -> np.ndarray:
    net = Network()
    net.add(process)
    inputs = {}
    for port, values in zip(process.in_ports.values(), a, strict=False):
        net.connect(net.add(bp.Input(values.shape[1:], name=port.name)), port)
        inputs[port.name] = values
    given = inputs if len(inputs) > 1 else next(iter(inputs.values()))
    return np.asarray(Simulator(net, **options).run(given, progress=False))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", MODELS)
def test_spikes_are_those_of_plain_integers(name, seed) -> None:
    parameters, a = drawn(name, seed)
    model, _, more = MODELS[name]
    wanted = np.stack([*model(a, {**parameters, **more})])
    integers = spikes(neuron(name, parameters, "integer"), a.astype(float), engine="torch")
    np.testing.assert_array_equal(integers, wanted)
    grid = spikes(neuron(name, parameters, "fixed"), a / 64, engine="torch", dtype="float64")
    np.testing.assert_array_equal(grid, wanted)


@pytest.mark.parametrize("name", MODELS)
def test_the_membrane_in_integers_is_4096_times_that_on_the_grid(name) -> None:
    parameters, a = drawn(name, 9)
    found = {}
    for arithmetic, scale in (("integer", 1), ("fixed", 64)):
        process = neuron(name, parameters, arithmetic, output="voltage")
        found[arithmetic] = spikes(process, a / scale, engine="torch", dtype="float64")
    np.testing.assert_array_equal(found["integer"], 4096 * found["fixed"])
    assert np.abs(found["integer"]).max() > 1000


@pytest.mark.parametrize("name", ["CUBA", "ADRF"])
def test_the_event_engine_gives_the_same(name) -> None:
    parameters, a = drawn(name, 4)
    a = a.astype(float)
    one, two = (
        spikes(neuron(name, parameters, "integer", wrap=True), a, engine=engine)
        for engine in ("torch", "event")
    )
    np.testing.assert_array_equal(one, two)
    assert one.any()


@pytest.mark.parametrize("cum_error", [False, True])
def test_differences_in_integers_are_4096_times_those_on_the_grid(cum_error) -> None:
    """Inputs of a chip are weights in mantissas times differences in 1 / 4096."""
    a = np.random.default_rng(0).integers(-9000, 9500, (1, 60, 8)).astype(float)
    options = {"cum_error": cum_error, "name": "p"}
    integers = bp.SigmaDelta(arithmetic="integer", threshold=9, bias=2, **options)
    grid = bp.SigmaDelta(threshold=9 / 64, bias=2 / 64, **options)
    found = spikes(integers, a, engine="torch")
    np.testing.assert_array_equal(
        found, 4096 * spikes(grid, a / 2**18, engine="torch", dtype="float64")
    )
    assert 0 < (found != 0).mean() < 0.5


def test_integers_take_float64_unless_told_otherwise() -> None:
    net = Network.sequential(bp.Input(2), bp.CUBA(arithmetic="integer"))
    assert Simulator(net).read("cuba1.v").dtype == np.float64
    assert Simulator(net, dtype="float32").read("cuba1.v").dtype == np.float32
    assert Simulator(Network.sequential(bp.Input(2), bp.CUBA())).read("cuba1.v").dtype == np.float32


def test_a_sum_of_more_than_24_bits_wraps_exactly() -> None:
    net = Network.sequential(
        bp.Input(1), bp.LeakyIntegrator(decay=0.0, arithmetic="integer", wrap=True)
    )
    out = Simulator(net).run(np.full((3, 1), 2.0**17 - 1))
    total = np.cumsum(np.full(3, (2**17 - 1) * 64))
    np.testing.assert_array_equal(out[:, 0], np.where(total > 2**23, total - 2**24, total))


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: bp.CUBA(threshold=0.0), "CUBA.*threshold"),
        (lambda: bp.CUBA(current_decay=1.1), "CUBA.*current_decay"),
        (lambda: bp.CUBA(wrap=True), "CUBA.*wrap"),
        (lambda: bp.ALIF(threshold_step=-0.1), "ALIF.*threshold_step"),
        (lambda: bp.RF(sin_decay=0.9, cos_decay=0.9), "RF.*sin_decay and cos_decay"),
        (lambda: bp.RF.of_period(1.0), "RF.*period"),
        (lambda: bp.RF.of_period(8.0, decay=1.2), "RF.*decay"),
        (lambda: bp.ADRF(refractory_decay=np.nan), "ADRF.*refractory_decay"),
        (lambda: bp.TernaryLIF(lower=1.0), "TernaryLIF.*lower"),
        (lambda: bp.Delta(threshold=-1.0), "Delta.*threshold"),
        (lambda: bp.Delta(correction="act", cum_error=True), "Delta.*cum_error"),
        (
            lambda: bp.SigmaDelta(arithmetic="integer", activation="tanh"),
            "SigmaDelta.*activation",
        ),
    ],
)
def test_what_cannot_be_is_refused_by_name(make, named) -> None:
    with pytest.raises(ParameterError, match=named):
        make()


def test_a_period_is_a_turn() -> None:
    """One impulse comes back after a period, as much smaller as the decay says."""
    net = Network()
    p = net.add(bp.Resonator.of_period(8.0, 0.05, arithmetic="float"))
    net.connect(net.add(bp.Input(1)), p.a_imag_in)
    out = Simulator(net, dtype="float64").run(np.eye(17)[:, :1])
    np.testing.assert_allclose(out[[8, 16], 0], [0.95**8, 0.95**16], rtol=1e-12)


def test_frequencies_are_spread_over_channels() -> None:
    sin, cos = spread_rotation(5, (4.0, 64.0), (0.1, 0.2), np.random.default_rng(0))
    period = 2 * np.pi / np.arctan2(sin, cos)
    np.testing.assert_allclose(period, [64, 32, 16, 8, 4])
    radius = np.hypot(sin, cos)
    assert ((radius >= 0.8) & (radius <= 0.9)).all()
    np.testing.assert_allclose(rotation(4.0, 0.0), (1.0, 0.0), atol=1e-15)
