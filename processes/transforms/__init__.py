"""Stateless maps between synapses and neurons."""
