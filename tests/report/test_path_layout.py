"""The path diagram of a mediation analysis: no arrow and no number may cross a box."""

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import Rectangle
from matplotlib.text import Annotation

from feedbackstudy import analysis
from feedbackstudy.report.drawing import drawing

_NAMES = ("appraisal_as_challenge", "interview_self_efficacy", "felt_respect", "clarity", "defensiveness")


def _table(people: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(20261126)
    mediators = {name: rng.normal(size=people) for name in _NAMES}
    return pd.DataFrame(
        {"specificity": np.tile(["general", "behavioural_next_step"], people // 2)}
        | mediators
        | {"intention_to_reapply": rng.normal(size=people)}
    )


@pytest.mark.parametrize(
    ("structure", "count"), [("simple", 1), ("serial", 2), ("parallel", 2), ("parallel", 3), ("parallel", 5)]
)
def test_arrows_and_numbers_stay_clear_of_the_boxes(structure: str, count: int) -> None:
    result = analysis.mediation(
        _table(),
        "specificity",
        list(_NAMES[:count]),
        "intention_to_reapply",
        structure=structure,  # type: ignore[arg-type]
        n_boot=400,
        seed=1,
    )
    picture = drawing(result)
    figure, ax = plt.subplots(figsize=(picture.width, picture.height), layout="constrained")
    try:
        picture.draw(ax)
        figure.canvas.draw()
        boxes = [patch.get_window_extent() for patch in ax.patches if isinstance(patch, Rectangle)]
        texts = [text for text in ax.texts if not isinstance(text, Annotation) and text.get_text()]
        names = [text for text in texts if text.get_zorder() == 4]
        numbers = [text for text in texts if text.get_zorder() == 5]
        arrows = [text for text in ax.texts if isinstance(text, Annotation)]
        assert len(boxes) == len(names) == count + 2
        assert len(arrows) == len(numbers) / 2
        for name, box in zip(names, boxes, strict=True):
            inside = name.get_window_extent()
            assert box.x0 < inside.x0 < inside.x1 < box.x1, name.get_text()
            assert box.y0 < inside.y0 < inside.y1 < box.y1, name.get_text()
        for text, box in itertools.product(numbers, boxes):
            assert not text.get_window_extent().overlaps(box), text.get_text()
        for arrow, box in itertools.product(arrows, boxes):
            start, end = ax.transData.transform([arrow.get_position(), arrow.xy])
            along = start + np.linspace(0.01, 0.99, 197)[:, None] * (end - start)
            crossed = (box.x0 < along[:, 0]) & (along[:, 0] < box.x1) & (box.y0 < along[:, 1]) & (along[:, 1] < box.y1)
            assert not crossed.any(), (arrow.get_position(), arrow.xy)
    finally:
        plt.close(figure)
