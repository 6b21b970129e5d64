"""Neuron populations."""
