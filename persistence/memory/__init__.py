"""The storage contract in memory, for tests and simulations: the same answers as SQL, without I/O.

Writers take turns on one lock, as on SQLite; readers see the last committed state. The only thing that is
ever awaited is the lock.
"""

from persistence.memory.state import MemoryStore
from persistence.memory.unit_of_work import MemoryTransaction, MemoryUnitOfWork

__all__ = ["MemoryStore", "MemoryTransaction", "MemoryUnitOfWork"]
