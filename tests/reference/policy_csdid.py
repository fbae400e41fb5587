"""Writes policy_csdid.json; run in an environment of its own with csdid 0.4.3 (it is no dependency of ours)."""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from csdid.att_gt import ATTgt


def plain(value):
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(inner) for inner in value]
    return int(value) if isinstance(value, int | np.integer) else float(value)


def rows_of(rng, first):
    """Means by unit and time; a unit whose first treated time is 0 never changes over."""
    rows = []
    for unit, own_first in enumerate(first):
        own = rng.normal(0, 0.1)
        for t in range(1, 8):
            effect = (own_first > 0) * (t >= own_first) * (0.05 + 0.02 * (t - own_first))
            rows.append((unit, t, int(own_first), round(0.4 + own + 0.01 * t + effect + rng.normal(0, 0.05), 6)))
    return pd.DataFrame(rows, columns=["unit", "time", "first", "mean"])


def answers(data):
    model = ATTgt(yname="mean", gname="first", idname="unit", tname="time", xformla="mean~1", data=data,
                  control_group="notyettreated").fit(est_method="reg", bstrap=False)  # fmt: skip
    found = {"data": {name: data[name].tolist() for name in data}}
    for kind, keys in (("simple", ("overall_att", "overall_se")), ("dynamic", ("egt", "att_egt", "se_egt"))):
        made = model.aggte(kind, bstrap=False, cband=False).atte
        found[kind] = plain({key: made[key] for key in keys})
    return found


rng = np.random.default_rng(11)
everybody = rows_of(rng, np.minimum(np.tile([3, 4, 5, 6, 7, 8], 4), 7))  # everybody changes over in the end
some = rows_of(rng, np.tile([3, 4, 6, 0, 0], 5))  # two in five never do
what = "ATTgt(control_group='notyettreated').fit(est_method='reg', bstrap=False).aggte(..., bstrap=False, cband=False)"
reference = {
    "what": what,
    "versions": {name: version(name) for name in ("csdid", "numpy", "pandas")},
    **answers(everybody),
    "with_never_treated": answers(some),
}
Path(__file__).with_suffix(".json").write_text(json.dumps(reference) + "\n", encoding="utf-8")
