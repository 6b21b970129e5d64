"""Engines execute a circuit. They are found by name and imported when first used."""
