"""Does the scale hold here? Reliability, items, factors, agreement, careless answers."""
