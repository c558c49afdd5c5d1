"""One first pull each, in a process of its own: ours, the floor, the peer."""
