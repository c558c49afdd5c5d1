"""Google behind the core's ports: wire format, transport, errors and pacing."""
