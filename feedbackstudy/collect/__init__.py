"""Real data: reading exports, checking and screening them, keeping people unrecognisable, and sharing datasets."""
