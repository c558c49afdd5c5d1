"""What `make` runs besides the service, the checks and the tests."""
