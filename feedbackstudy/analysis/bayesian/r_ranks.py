"""Ranks of a calibration for R: two tests of evenness, computed anew."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.psychometrics.rscript import RScript

__all__ = ["ranks_script"]

_RANKS = """\
# One row a simulated study, one column a quantity: how many of RANKS posterior draws lie below the true value.
even <- function(ranks) {
  n <- length(ranks)
  binned <- chisq.test(tabulate((ranks * BINS) %/% (RANKS + 1) + 1, BINS))
  distance <- max(abs(ecdf(ranks)(0:RANKS) - (0:RANKS + 1) / (RANKS + 1)))
  # ks.test takes no ties: a sample without them at the same distance from the uniform distribution has the same p
  free <- pmax(seq_len(n) / n - distance, seq_len(n) * 1e-12)
  p <- if (2 * n * distance < 1) 1 else ks.test(free, "punif", exact = TRUE)$p.value
  c(mean = mean(ranks), "chi square" = unname(binned$statistic), p = binned$p.value, distance = distance,
    "p of the distance" = p)
}
found <- suppressWarnings(vapply(responses, even, numeric(5)))
for (name in rownames(found)) show(name, found[name, ])
both <- found[c("p", "p of the distance"), ]
show("smallest p", min(p.adjust(both, "bonferroni")))
"""


def ranks_script(quantities: tuple[str, ...], ranks: NDArray[np.int64], *, most: int, bins: int) -> RScript:
    """Return the ranks of a calibration for R.

    Parameters
    ----------
    quantities : tuple of str
        What was ranked.
    ranks : ndarray of int, shape (simulations, quantities)
        The ranks.
    most, bins : int
        Largest rank, and bins of the chi square.

    Returns
    -------
    RScript
        Shows ``mean``, ``chi square``, ``p``, ``distance`` and ``p of the distance`` of every quantity, and the
        ``smallest p`` by Bonferroni.
    """
    body = _RANKS.replace("RANKS", str(most)).replace("BINS", str(bins))
    data = pd.DataFrame(ranks, columns=list(quantities))
    return RScript(made_by="calibrate", body=body, data=data, name="calibration")
