"""What networks are made of: one process a file, each holding its description and its equation."""

if __name__ != "bidl_sim.processes":
    raise ImportError("import bidl_sim.processes, not processes")

from bidl_sim.core.neuron import Neuron
from bidl_sim.processes.aggregation import LastStep, TimeMean, TimeSum
from bidl_sim.processes.io.array_source import ArraySource
from bidl_sim.processes.io.callback import Callback
from bidl_sim.processes.io.input import Input
from bidl_sim.processes.io.poisson import Poisson
from bidl_sim.processes.io.sink import Sink
from bidl_sim.processes.io.spike_source import SpikeSource
from bidl_sim.processes.neurons.conductance_lif import ConductanceLIF
from bidl_sim.processes.neurons.cuba import CUBA
from bidl_sim.processes.neurons.current_lif import CurrentLIF, DeltaLIF
from bidl_sim.processes.neurons.lif import LIAF, LIF
from bidl_sim.processes.normalization.batch_norm import BatchNorm
from bidl_sim.processes.plasticity.pair_stdp import PairSTDP
from bidl_sim.processes.plasticity.rule import Plasticity
from bidl_sim.processes.quantization import Grid
from bidl_sim.processes.synapses.conv2d import Conv2d
from bidl_sim.processes.synapses.conv_transpose2d import ConvTranspose2d
from bidl_sim.processes.synapses.dense import Dense
from bidl_sim.processes.synapses.pool import AvgPool2d, MaxPool2d, SumPool2d
from bidl_sim.processes.synapses.sparse import Sparse
from bidl_sim.processes.synapses.unpool import Unpool2d
from bidl_sim.processes.transforms.activation import Activation
from bidl_sim.processes.transforms.add import Add
from bidl_sim.processes.transforms.delay import Delay
from bidl_sim.processes.transforms.dropout import Dropout
from bidl_sim.processes.transforms.flatten import Flatten
from bidl_sim.processes.transforms.scale import Scale

__all__ = [
    "CUBA",
    "LIAF",
    "LIF",
    "Activation",
    "Add",
    "ArraySource",
    "AvgPool2d",
    "BatchNorm",
    "Callback",
    "ConductanceLIF",
    "Conv2d",
    "ConvTranspose2d",
    "CurrentLIF",
    "Delay",
    "DeltaLIF",
    "Dense",
    "Dropout",
    "Flatten",
    "Grid",
    "Input",
    "LastStep",
    "MaxPool2d",
    "Neuron",
    "PairSTDP",
    "Plasticity",
    "Poisson",
    "Scale",
    "Sink",
    "Sparse",
    "SpikeSource",
    "SumPool2d",
    "TimeMean",
    "TimeSum",
    "Unpool2d",
]
