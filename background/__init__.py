"""What runs without being asked: scheduler ticks and the sync worker."""
