"""A Google simulator: OAuth 2.0 and Calendar v3 with the behaviour that clients meet.

The state is a pure model behind `Sandbox.handle`; `sandbox.asgi` serves it over HTTP.
"""

from sandbox.messages import Fault, Notification, Request, Response
from sandbox.service import Sandbox
from sandbox.store import SqliteStore, Store

__all__ = [
    "Fault",
    "Notification",
    "Request",
    "Response",
    "Sandbox",
    "SqliteStore",
    "Store",
]
