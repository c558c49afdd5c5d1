"""Outbound webhooks: signing messages and bringing them to their receivers."""
