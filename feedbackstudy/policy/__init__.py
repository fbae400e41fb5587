"""What changed when the feedback policy changed: millions of applications, compressed before they are analysed.

The public names are declared in ``__init__.pyi`` beside this file; each is imported when it is first used.
"""

from feedbackstudy.stub import publish

__all__ = publish(__name__, __file__)
