"""Where members stand, how they rise and fall, and why."""
