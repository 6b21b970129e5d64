"""Benchmarks: networks of the literature and training steps, beside hand-written limits."""
