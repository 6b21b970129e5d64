"""Connections with weights, and pooling."""
