"""Frequentist engines: plain functions on arrays that return small frozen records."""
