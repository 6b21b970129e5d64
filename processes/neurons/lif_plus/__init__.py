"""The LIF+ neuron: its options, how they are composed, and the process."""
