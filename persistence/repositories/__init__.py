"""The rows of one aggregate each, as values of the core."""
