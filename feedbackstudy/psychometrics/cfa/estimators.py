"""The estimators by name: which discrepancy, which standard errors, which test."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from feedbackstudy.errors import DeclarationError, choices

__all__ = ["ESTIMATORS", "Estimator", "estimator_named"]

type Weight = Literal["ML", "ULS", "GLS", "WLS", "DWLS"]
type Errors = Literal["standard", "sandwich", "moments"]
type TestKind = Literal["standard", "yuan_bentler", "mean", "mean_variance", "shifted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimator:
    """What a name such as ``"MLR"`` stands for.

    Attributes
    ----------
    name : str
        The name.
    weight : str
        ``ML``, or the weight of least squares: identity, normal theory, full or diagonal distribution-free.
    errors : str
        ``standard``: inverse information; ``sandwich``: observed information and casewise scores;
        ``moments``: expected information and the distribution-free covariance of the moments.
    test : str
        ``standard``; ``yuan_bentler``: Yuan-Bentler T2*, Mplus variant; ``mean``: Satorra-Bentler; ``mean_variance``:
        Satterthwaite; ``shifted``: scaled and shifted.
    ordinal : bool
        Items are taken as ordinal unless `ordered` says otherwise.
    missing : bool
        Full-information estimation is possible.
    says : str
        One line for the result page.
    """

    name: str
    weight: Weight
    errors: Errors = "standard"
    test: TestKind = "standard"
    ordinal: bool = False
    missing: bool = False
    says: str

    @property
    def likelihood(self) -> bool:
        """Whether the discrepancy is the normal log-likelihood."""
        return self.weight == "ML"

    @property
    def scaled(self) -> bool:
        """Whether the test is corrected for non-normality."""
        return self.test != "standard"


_ALL = (
    Estimator(name="ML", weight="ML", missing=True, says="normal-theory maximum likelihood"),
    Estimator(
        name="MLR",
        weight="ML",
        errors="sandwich",
        test="yuan_bentler",
        missing=True,
        says="maximum likelihood; Huber-White standard errors; Yuan-Bentler T2* test, Mplus variant",
    ),
    Estimator(name="MLM", weight="ML", errors="moments", test="mean", says="maximum likelihood; Satorra-Bentler"),
    Estimator(
        name="MLMV", weight="ML", errors="moments", test="shifted", says="maximum likelihood; scaled and shifted test"
    ),
    Estimator(
        name="MLMVS",
        weight="ML",
        errors="moments",
        test="mean_variance",
        says="maximum likelihood; mean and variance adjusted test (Satterthwaite)",
    ),
    Estimator(name="GLS", weight="GLS", says="generalised least squares"),
    Estimator(name="ULS", weight="ULS", says="unweighted least squares"),
    Estimator(name="ULSM", weight="ULS", errors="moments", test="mean", says="unweighted least squares; scaled test"),
    Estimator(
        name="ULSMV",
        weight="ULS",
        errors="moments",
        test="shifted",
        ordinal=True,
        says="unweighted least squares; robust standard errors; scaled and shifted test",
    ),
    Estimator(name="WLS", weight="WLS", says="weighted least squares with the full distribution-free weight"),
    Estimator(name="DWLS", weight="DWLS", says="diagonally weighted least squares; uncorrected standard errors"),
    Estimator(
        name="WLSM",
        weight="DWLS",
        errors="moments",
        test="mean",
        ordinal=True,
        says="diagonally weighted least squares; robust standard errors; mean-corrected test",
    ),
    Estimator(
        name="WLSMV",
        weight="DWLS",
        errors="moments",
        test="shifted",
        ordinal=True,
        says="diagonally weighted least squares; robust standard errors; scaled and shifted test",
    ),
)

ESTIMATORS: Mapping[str, Estimator] = {e.name: e for e in _ALL}
"""Every estimator by its name."""


def estimator_named(name: str) -> Estimator:
    """Look an estimator up.

    Parameters
    ----------
    name : str
        Such as ``"MLR"``.

    Returns
    -------
    Estimator
        What it stands for.

    Raises
    ------
    DeclarationError
        If there is none of this name.
    """
    if name not in ESTIMATORS:
        raise DeclarationError(choices("Estimator", name, ESTIMATORS))
    return ESTIMATORS[name]
