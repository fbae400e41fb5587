"""The key of a scale as R (psych) code, and its factor model as lavaan syntax."""

from typing import Literal

from feedbackstudy.scales.form import Form
from feedbackstudy.scales.scale import Scale

__all__ = ["to_lavaan", "to_psych_keys"]


def to_psych_keys(scale: Scale, form_id: str | None = None) -> str:
    """Return the key as R code that gives our complete-data scores with psych::scoreItems.

    Parameters
    ----------
    scale : Scale
        A scale whose key is established.
    form_id : str, optional
        The form.

    Returns
    -------
    str
        A keys list and the call.

    Notes
    -----
    ``scoreItems`` fills missing answers with item medians by default; the call sets ``impute = "none"``, which takes
    the mean of available items. It has no minimum of answered items: with missing answers the two can differ there.
    """
    form = scale.require_scorable(form_id)
    columns = form.columns(scale.code)
    lines = []
    for subscale in form.subscales:
        names = ", ".join(f'"{"-" if p in form.to_reverse else ""}{columns[p - 1]}"' for p in subscale.items or ())
        lines.append(f"  {subscale.name} = c({names})")
    answers = form.likert_options
    span = f"min = {answers.min:g}, max = {answers.max:g}, " if answers else ""
    totals = "TRUE" if scale.scoring.method == "sum" else "FALSE"
    return (
        f"# {scale.name}, form {form.id}\n"
        f"keys <- list(\n{',\n'.join(lines)}\n)\n"
        f'scores <- psych::scoreItems(keys, data, {span}totals = {totals}, missing = TRUE, impute = "none")\n'
    )


def to_lavaan(
    scale: Scale,
    form_id: str | None = None,
    *,
    wording_effect: Literal["none", "method_factor", "random_intercept"] = "none",
) -> str:
    """Return the factor model in lavaan syntax.

    Parameters
    ----------
    scale : Scale
        A scale whose key is established.
    form_id : str, optional
        The form.
    wording_effect : {"none", "method_factor", "random_intercept"}
        For scales with items worded both ways, where a plain one-factor model misfits because of the wording: a factor
        of the reversed items beside the content, or a random intercept with equal loadings on raw answers.

    Returns
    -------
    str
        Model syntax on the item columns, as answered; second-order and composite scores are not part of it.
    """
    form = scale.require_scorable(form_id)
    columns = form.columns(scale.code)
    lines = [f"{s.name} =~ {' + '.join(columns[p - 1] for p in s.items or ())}" for s in form.subscales]
    mixed = _worded_both_ways(form)
    if wording_effect == "method_factor" and mixed:
        turned = " + ".join(columns[p - 1] for p in form.positions if p in (form.reversed or ()))
        lines += [f"wording =~ {turned}", *_orthogonal("wording", form)]
    if wording_effect == "random_intercept" and mixed:
        every = " + ".join(f"1*{columns[p - 1]}" for p in form.positions)
        lines += [f"agreeing =~ {every}", *_orthogonal("agreeing", form)]
    if mixed and wording_effect == "none":
        lines.insert(0, "# Items are worded both ways: misfit of this model may be wording, not a second construct.")
    return "\n".join(lines) + "\n"


def _worded_both_ways(form: Form) -> bool:
    return bool(form.reversed) and len(form.reversed or ()) < len(form.positions)


def _orthogonal(factor: str, form: Form) -> list[str]:
    return [f"{factor} ~~ 0*{subscale.name}" for subscale in form.subscales]
