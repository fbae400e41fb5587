"""Invented data: a `World` states what is assumed true, `simulate` turns it into the same table as a survey export."""

from feedbackstudy.simulate.respond import simulate
from feedbackstudy.simulate.world import World

__all__ = ["World", "simulate"]
