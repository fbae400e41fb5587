"""What changed when the feedback policy changed: millions of applications, compressed before they are analysed."""
