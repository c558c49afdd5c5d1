"""What Google remembers, as plain classes: no HTTP, no clock but the one handed in."""
