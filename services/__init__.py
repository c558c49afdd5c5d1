"""Business logic: the functional core, the Google adapter and the services that join them."""
