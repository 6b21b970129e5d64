"""What networks are made of: one process a file, each holding its description and its equation."""

if __name__ != "bidl_sim.processes":
    raise ImportError("import bidl_sim.processes, not processes")

from bidl_sim.core.neuron import Neuron, Population
from bidl_sim.processes.aggregation import LastStep, TimeMean, TimeSum
from bidl_sim.processes.io.array_source import ArraySource
from bidl_sim.processes.io.callback import Callback
from bidl_sim.processes.io.input import Input
from bidl_sim.processes.io.poisson import Poisson
from bidl_sim.processes.io.sink import Sink
from bidl_sim.processes.io.spike_source import SpikeSource
from bidl_sim.processes.networks.cann import cann
from bidl_sim.processes.networks.pcnn import pcnn
from bidl_sim.processes.neurons.adex import AdEx
from bidl_sim.processes.neurons.adrf import ADRF
from bidl_sim.processes.neurons.adrf_izhikevich import ADRFIzhikevich
from bidl_sim.processes.neurons.alif import ALIF
from bidl_sim.processes.neurons.conductance_lif import ConductanceLIF
from bidl_sim.processes.neurons.cuba import CUBA
from bidl_sim.processes.neurons.cuba_input import CUBAInput
from bidl_sim.processes.neurons.cuba_lif import CubaLI, CubaLIF
from bidl_sim.processes.neurons.current_lif import CurrentLIF, DeltaLIF
from bidl_sim.processes.neurons.delta import Delta
from bidl_sim.processes.neurons.electrical import ElectricalLIAF, electrically_coupled
from bidl_sim.processes.neurons.glif import GLIF
from bidl_sim.processes.neurons.graded import GradedReLUVec, GradedVec, ProductNeuron
from bidl_sim.processes.neurons.hodgkin_huxley import HodgkinHuxley
from bidl_sim.processes.neurons.integrator import IF, Integrator
from bidl_sim.processes.neurons.izhikevich import Izhikevich
from bidl_sim.processes.neurons.late_reset import LateResetLIF
from bidl_sim.processes.neurons.leaky_integrator import LeakyIntegrator
from bidl_sim.processes.neurons.lif import LIAF, LIF
from bidl_sim.processes.neurons.lif_plus.lif_plus import LIFPlus
from bidl_sim.processes.neurons.low_pass import LowPass
from bidl_sim.processes.neurons.multi_compartment import MultiCompartment
from bidl_sim.processes.neurons.pulse_coupled import PulseCoupled
from bidl_sim.processes.neurons.rc import RC, RCLIF
from bidl_sim.processes.neurons.resonator import Resonator
from bidl_sim.processes.neurons.rf import RF
from bidl_sim.processes.neurons.rf_izhikevich import RFIzhikevich
from bidl_sim.processes.neurons.sigma import Sigma
from bidl_sim.processes.neurons.sigma_delta import SigmaDelta
from bidl_sim.processes.neurons.ternary_lif import TernaryLIF
from bidl_sim.processes.neurons.threshold import Threshold
from bidl_sim.processes.normalization.batch_norm import BatchNorm
from bidl_sim.processes.normalization.divisive_norm import DivisiveNorm
from bidl_sim.processes.normalization.mean_only import MeanOnlyBatchNorm
from bidl_sim.processes.normalization.weight_scale import WeightScaleBatchNorm
from bidl_sim.processes.plasticity.loihi import LoihiRule
from bidl_sim.processes.plasticity.pair_stdp import PairSTDP
from bidl_sim.processes.plasticity.rule import Plasticity
from bidl_sim.processes.quantization import Grid
from bidl_sim.processes.synapses.conv1d import Conv1d
from bidl_sim.processes.synapses.conv2d import Conv2d
from bidl_sim.processes.synapses.conv_transpose2d import ConvTranspose2d
from bidl_sim.processes.synapses.dense import Dense
from bidl_sim.processes.synapses.integer_sum import IntegerSum
from bidl_sim.processes.synapses.lateral_inhibition import LateralInhibition
from bidl_sim.processes.synapses.pool import AvgPool2d, MaxPool2d, SumPool2d
from bidl_sim.processes.synapses.sparse import Sparse
from bidl_sim.processes.synapses.temporal_linear import TemporalLinear
from bidl_sim.processes.synapses.unpool import Unpool2d
from bidl_sim.processes.transforms.activation import Activation
from bidl_sim.processes.transforms.add import Add
from bidl_sim.processes.transforms.concat import Concat
from bidl_sim.processes.transforms.delay import Delay
from bidl_sim.processes.transforms.dropout import Dropout
from bidl_sim.processes.transforms.einsum import Einsum
from bidl_sim.processes.transforms.flatten import Flatten
from bidl_sim.processes.transforms.global_avg_pool import GlobalAvgPool
from bidl_sim.processes.transforms.group_mean import GroupMean
from bidl_sim.processes.transforms.multiply import Multiply
from bidl_sim.processes.transforms.reshape import Reshape
from bidl_sim.processes.transforms.scale import Scale
from bidl_sim.processes.transforms.time_decimation import TimeDecimation

__all__ = [
    "ADRF",
    "ALIF",
    "CUBA",
    "GLIF",
    "IF",
    "LIAF",
    "LIF",
    "RC",
    "RCLIF",
    "RF",
    "ADRFIzhikevich",
    "Activation",
    "AdEx",
    "Add",
    "ArraySource",
    "AvgPool2d",
    "BatchNorm",
    "CUBAInput",
    "Callback",
    "Concat",
    "ConductanceLIF",
    "Conv1d",
    "Conv2d",
    "ConvTranspose2d",
    "CubaLI",
    "CubaLIF",
    "CurrentLIF",
    "Delay",
    "Delta",
    "DeltaLIF",
    "Dense",
    "DivisiveNorm",
    "Dropout",
    "Einsum",
    "ElectricalLIAF",
    "Flatten",
    "GlobalAvgPool",
    "GradedReLUVec",
    "GradedVec",
    "Grid",
    "GroupMean",
    "HodgkinHuxley",
    "Input",
    "IntegerSum",
    "Integrator",
    "Izhikevich",
    "LIFPlus",
    "LastStep",
    "LateResetLIF",
    "LateralInhibition",
    "LeakyIntegrator",
    "LoihiRule",
    "LowPass",
    "MaxPool2d",
    "MeanOnlyBatchNorm",
    "MultiCompartment",
    "Multiply",
    "Neuron",
    "PairSTDP",
    "Plasticity",
    "Poisson",
    "Population",
    "ProductNeuron",
    "PulseCoupled",
    "RFIzhikevich",
    "Reshape",
    "Resonator",
    "Scale",
    "Sigma",
    "SigmaDelta",
    "Sink",
    "Sparse",
    "SpikeSource",
    "SumPool2d",
    "TemporalLinear",
    "TernaryLIF",
    "Threshold",
    "TimeDecimation",
    "TimeMean",
    "TimeSum",
    "Unpool2d",
    "WeightScaleBatchNorm",
    "cann",
    "electrically_coupled",
    "pcnn",
]
