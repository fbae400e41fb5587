"""From what the user gives to a factor model: syntax, mapping, model or scale."""

from collections.abc import Mapping, Sequence

from feedbackstudy.errors import DeclarationError
from feedbackstudy.psychometrics.cfa.model import FactorModel, factor_model
from feedbackstudy.psychometrics.cfa.syntax import read
from feedbackstudy.scales.scale import Scale

__all__ = ["Stated", "scale_model", "stated_model"]

type Stated = str | Mapping[str, Sequence[str]] | FactorModel | Scale
"""What `cfa` and `invariance` accept as a model."""


def scale_model(scale: Scale, *, form: str | None = None, prefix: str | None = None) -> FactorModel:
    """Return the model a scale implies: one factor per subscale.

    Parameters
    ----------
    scale : Scale
        The scale.
    form : str, optional
        Its form; needed where it has several.
    prefix : str, optional
        Start of the item columns; the scale's code by default.

    Returns
    -------
    FactorModel
        One factor per subscale, on the form's item columns.

    Raises
    ------
    DeclarationError
        If the items of a subscale are not known.
    """
    chosen = scale.form(form)
    columns = chosen.columns(prefix or scale.code)
    unknown = [s.name for s in chosen.subscales if not s.items]
    if unknown or not columns:
        raise DeclarationError(
            f"Scale {scale.code!r} does not say which items make {', '.join(map(repr, unknown)) or 'its score'}; "
            "give the model as a mapping of factors to item columns."
        )
    return factor_model({s.name: [columns[position - 1] for position in s.items or ()] for s in chosen.subscales})


def stated_model(model: Stated) -> FactorModel:
    """Return the factor model that was stated.

    Parameters
    ----------
    model : str, mapping, FactorModel or Scale
        lavaan syntax, factors and their items, a model, or a scale with one form.

    Returns
    -------
    FactorModel
        The model.

    Raises
    ------
    DeclarationError
        If it is none of these.
    """
    if isinstance(model, FactorModel):
        return model
    if isinstance(model, str):
        return read(model)
    if isinstance(model, Scale):
        return scale_model(model)
    if isinstance(model, Mapping):
        return factor_model(model)
    raise DeclarationError(
        "A model is lavaan syntax, a mapping of factors to items, a FactorModel or a Scale; "
        f"this is a {type(model).__name__}."
    )
