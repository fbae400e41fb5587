"""One module for each kind of picture; each registers itself with `feedbackstudy.report.drawing.drawing`."""
