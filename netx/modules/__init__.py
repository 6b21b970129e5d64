"""Torch modules, of torch and of libraries for spiking networks, as processes."""
