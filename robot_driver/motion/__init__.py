"""Motion of an arm that is not the hand's: moves, interpolation, velocity; pure decisions that take `now`."""
