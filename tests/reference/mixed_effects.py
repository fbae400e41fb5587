"""Make mixed_effects.csv: invented answers of 60 people in 12 teams to 6 of 10 stories each. Run once."""

from pathlib import Path

import numpy as np
import pandas as pd

rng = np.random.default_rng(20260611)
people, stories = 60, 10
team = np.arange(people) // 5
timing = np.where(rng.permutation(people) % 2 == 0, "immediate", "delayed")
a, s = rng.normal(0, 0.6, people), rng.normal(0, 0.15, people)
t, v = rng.normal(0, 0.4, 12), rng.normal(0, 0.35, stories)
rows = []
for who in range(people):
    for day, story in enumerate(rng.choice(stories, 6, replace=False)):
        framing = ("gain", "loss", "neutral")[int(rng.integers(3))]
        mean = 4 + 0.5 * (timing[who] == "immediate") - 0.4 * (framing == "loss") + 0.1 * day
        y = mean + a[who] + s[who] * day + t[team[who]] + v[story] + rng.normal(0, 0.9)
        latent = 0.7 * (y - 4.3)
        rating = 1 + int(np.searchsorted([-1.2, -0.4, 0.4, 1.1], latent + rng.logistic(0, 0.7)))
        reply = int(rng.random() < 1 / (1 + np.exp(-latent)))
        hints = int(rng.poisson(rng.gamma(2, np.exp(0.3 + 0.3 * latent) / 2))) * int(rng.random() > 0.2)
        rows.append(
            (f"p{who:02d}", f"t{team[who]:02d}", f"s{story}", timing[who], framing, day, y, rating, reply, hints)
        )
names = ["participant", "team", "story", "timing", "framing", "day", "y", "rating", "reply", "hints"]
frame = pd.DataFrame(rows, columns=names).round({"y": 3})
frame.to_csv(Path(__file__).with_name("mixed_effects.csv"), index=False)
