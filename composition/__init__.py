"""The composition root: which class stands behind each port, and what is opened, run and ended around it.

Only this package names concrete adapters, and nothing that it wires imports it.
"""
