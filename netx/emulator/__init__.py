"""A contract emulator of a neuromorphic chip: fp16, what its runtime promises, not the chip."""
