"""Plain data: ports, processes, networks, schedules. Nothing here runs a network."""
