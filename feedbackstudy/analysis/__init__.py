"""Answers: what every engine returns, the engines, and the direct functions for a data frame without a study.

The public names are declared in ``__init__.pyi`` beside this file; each is imported when it is first used.
"""

from feedbackstudy.stub import publish

__all__ = publish(__name__, __file__)
