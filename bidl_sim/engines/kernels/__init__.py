"""Compiled kernels: generated source, compiled once and kept on disk."""
