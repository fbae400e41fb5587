"""Studies of the feedback that job candidates get: declared once, analysed both ways.

The public names are declared in ``__init__.pyi`` beside this file, once for type checkers, editors and this module;
each is imported when it is first used, so that ``import feedbackstudy`` stays quick.
"""

from feedbackstudy.stub import publish

__all__ = publish(__name__, __file__)
