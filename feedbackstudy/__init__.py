"""Studies of the feedback that job candidates get: declared once, analysed both ways."""
