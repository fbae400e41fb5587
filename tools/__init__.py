"""Commands of the developers, called by the Makefile; not part of the package."""
