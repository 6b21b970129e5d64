"""Tracing: from a step function to its expression graph, its gradient, and source code."""
