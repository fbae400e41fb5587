"""A study, declared once. Everything else is derived from it.

The smallest study that can be checked:

.. code-block:: yaml

    schema_version: 1
    title: Does feedback on the same day help?
    factors:                       # what is compared; columns of the data
      - name: timing
        mode: described            # described (vignette) | enacted | measured
        levels:                    # code in the data: label that people read
          same_day: On the same day
          two_weeks: After two weeks
    units:
      - name: panel_member         # one participant; others say nested_in
        n: 240
    waves:                         # in the order of time
      - name: t1
        anchor: feedback           # the clock starts at: interview | decision | feedback
        phase: after               # asked before or after the feedback
    measures:
      - name: usefulness           # also the score's column
        kind: rating               # or: scale: <key of the library>
        range: [1, 7]
        waves: [t1]
    hypotheses:
      - name: h1
        text: Feedback on the same day is rated as more useful.
        outcome: usefulness
        contrast:                  # level minus against; never a formula
          kind: main_effect
          factor: timing
          level: same_day
          against: two_weeks
        direction: positive        # positive | negative | either | negligible
        sesoi:
          value: 0.2
          unit: sd
        role: confirmatory
    plan:
      decides:                     # exactly one criterion for each confirmatory hypothesis
        h1:
          by: p                    # p | equivalence | rope | bayes_factor
    conduct:
      population: panel            # candidates | employees | students | panel | recruiters | mixed
      realism: hypothetical        # hypothetical | enacted | field
      published: Author (2020). Title. Journal.   # only when re-analysing somebody else's study

>>> from feedbackstudy.study import Study  # doctest: +SKIP
>>> study = Study.load("my-study")  # doctest: +SKIP
>>> study.check()  # doctest: +SKIP
"""

from feedbackstudy.study.declared import Study
from feedbackstudy.study.template import new_study, template_folder, templates

__all__ = ["Study", "new_study", "template_folder", "templates"]
