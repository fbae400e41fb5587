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


rng = np.random.default_rng(11)
start = np.minimum(np.tile([3, 4, 5, 6, 7, 8], 4), 7)  # everybody changes over in the end
rows = []
for unit in range(24):
    own = rng.normal(0, 0.1)
    for t in range(1, 8):
        effect = (t >= start[unit]) * (0.05 + 0.02 * (t - start[unit]))
        rows.append((unit, t, int(start[unit]), round(0.4 + own + 0.01 * t + effect + rng.normal(0, 0.05), 6)))
data = pd.DataFrame(rows, columns=["unit", "time", "first", "mean"])
model = ATTgt(yname="mean", gname="first", idname="unit", tname="time", xformla="mean~1", data=data,
              control_group="notyettreated").fit(est_method="reg", bstrap=False)  # fmt: skip
found = {}
for kind, keys in (("simple", ("overall_att", "overall_se")), ("dynamic", ("egt", "att_egt", "se_egt"))):
    made = model.aggte(kind, bstrap=False, cband=False).atte
    found[kind] = plain({key: made[key] for key in keys})
what = "ATTgt(control_group='notyettreated').fit(est_method='reg', bstrap=False).aggte(..., bstrap=False, cband=False)"
reference = {
    "what": what,
    "versions": {name: version(name) for name in ("csdid", "numpy", "pandas")},
    "data": {name: data[name].tolist() for name in data},
    **found,
}
Path(__file__).with_suffix(".json").write_text(json.dumps(reference) + "\n", encoding="utf-8")
