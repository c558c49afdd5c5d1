"""The only SQL: repositories and units of work over two databases and memory."""
