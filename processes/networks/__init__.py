"""Networks of the literature, each a function that connects processes."""
