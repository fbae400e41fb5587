"""Reference values of the analysis room, one module a subject."""
