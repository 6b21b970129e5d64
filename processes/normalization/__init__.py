"""Normalisation of synaptic input and of the membrane."""
