"""The order of execution."""

from __future__ import annotations

import pytest

from bidl_sim import Network
from bidl_sim.core.schedule import Stage, needed_only_at_the_end, schedule
from bidl_sim.errors import ParameterError, ScheduleError
from bidl_sim.processes import LIF, Activation, BatchNorm, Dense, Input, TimeMean


def chain() -> Network:
    return Network.sequential(Input(3), Dense(3, 3), BatchNorm(), LIF(), Dense(3, 2))


def recurrent(statistics: str = "sequence") -> Network:
    net = Network()
    source, lif = net.add(Input(3), "in"), net.add(LIF(), "lif")
    back, norm = net.add(Dense(3, 3), "back"), net.add(BatchNorm(statistics=statistics), "norm")
    out = net.add(Dense(3, 2), "out")
    net.connect(source, lif)
    net.connect(lif, back)
    net.connect(back, norm)
    net.connect(norm, lif, delay=1)
    net.connect(lif, out)
    return net


def test_process_major_runs_one_process_after_the_other() -> None:
    stages = schedule(chain().build(), "process")
    assert [s.paths for s in stages] == [
        ("input1",), ("dense1",), ("batchnorm1",), ("lif1",), ("dense2",)
    ]  # fmt: skip
    assert not any(s.stepwise for s in stages)


def test_timestep_major_runs_all_in_one_stage() -> None:
    assert schedule(chain().build(), "timestep") == (
        Stage(("input1", "dense1", "batchnorm1", "lif1", "dense2"), stepwise=True),
    )


def test_in_training_a_whole_sequence_norm_divides_the_stages() -> None:
    stages = schedule(chain().build(), "timestep", training=True)
    assert [(s.paths, s.stepwise) for s in stages] == [
        (("input1", "dense1"), True),
        (("batchnorm1",), False),
        (("lif1", "dense2"), True),
    ]


def test_a_loop_runs_stepwise_inside_process_major() -> None:
    stages = schedule(recurrent("step").build(), "process", training=True)
    assert [(s.paths, s.stepwise) for s in stages] == [
        (("in",), False),
        (("lif", "back", "norm"), True),
        (("out",), False),
    ]


def test_a_whole_sequence_norm_cannot_train_in_a_loop() -> None:
    circuit = recurrent().build()
    schedule(circuit, "process")  # outside training it may
    with pytest.raises(ScheduleError, match=r"inside the loop .* help: use statistics='step'"):
        schedule(circuit, "process", training=True)


def test_a_process_that_feeds_itself_is_a_loop() -> None:
    net = Network()
    source, lif = net.add(Input(2)), net.add(LIF())
    net.connect(source, lif)
    net.connect(lif, lif, delay=2)
    assert schedule(net.build(), "process")[1] == Stage(("lif1",), stepwise=True)


def test_an_unknown_schedule_is_refused() -> None:
    with pytest.raises(ParameterError, match="must be one of"):
        schedule(chain().build(), "random")


def test_what_follows_an_aggregation_is_needed_at_the_end_only() -> None:
    net = Network.sequential(
        Input(3), LIF(), TimeMean(), Dense(3, 4), Activation("relu"), Dense(4, 2)
    )
    circuit = net.build()
    late = {"timemean1.a_out", "dense1.a_out", "activation1.a_out", "dense2.a_out"}
    assert needed_only_at_the_end(circuit, ()) == late
    seen = needed_only_at_the_end(circuit, ("dense1.a_out",))
    assert seen == {"activation1.a_out", "dense2.a_out"}


def test_a_neuron_after_an_aggregation_needs_every_step() -> None:
    net = Network.sequential(Input(3), TimeMean(), Dense(3, 4), LIF())
    assert needed_only_at_the_end(net.build(), ()) == frozenset()


def test_a_delay_after_an_aggregation_needs_every_step() -> None:
    net = Network()
    source, mean, head = net.add(Input(3)), net.add(TimeMean()), net.add(Dense(3, 2))
    net.connect(source, mean)
    net.connect(mean, head, delay=1)
    assert needed_only_at_the_end(net.build(), ()) == {"dense1.a_out"}
