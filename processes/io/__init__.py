"""Sources, sinks and callbacks."""
