"""A lavaan script that fits exactly the model that was fitted here: every parameter is written out."""

import re
from collections.abc import Mapping, Sequence

import pandas as pd

from feedbackstudy.psychometrics.cfa.expression import written
from feedbackstudy.psychometrics.cfa.inference import Fitted
from feedbackstudy.psychometrics.cfa.table import Row
from feedbackstudy.psychometrics.rscript import RScript, r_string, r_vector

__all__ = ["lavaan_script", "lavaan_syntax"]

_SHOWN = ("chisq", "df", "cfi", "tli", "rmsea", "srmr")
_SCALED = ("chisq.scaled", "df.scaled", "chisq.scaling.factor", "cfi.scaled", "rmsea.scaled")
_LIKELIHOOD = ("logl", "aic", "bic")
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9._]*\Z")
_RESERVED = frozenset(
    [
        "if",
        "else",
        "repeat",
        "while",
        "function",
        "for",
        "next",
        "break",
        "in",
        "TRUE",
        "FALSE",
        "NULL",
        "Inf",
        "NaN",
        "NA",
        "c",
        "start",
        "equal",
        "group",
    ]
)


def _aliases(fitted: Fitted) -> dict[str, str]:
    """Give every variable a name that R's formula reader takes; most keep their own."""
    table = fitted.structure.table
    names = (*table.items, *table.factors)
    taken = set(names)
    out: dict[str, str] = {}
    for k, name in enumerate(names, start=1):
        plain = bool(_PLAIN.match(name)) and name not in _RESERVED
        alias = name if plain else next(a for a in (f"v{k}", f"v{k}.alias", f"v{k}.other") if a not in taken)
        out[name] = alias
    return out


def _label(row: Row, codes: dict[str, str]) -> str:
    """Return a label R can read; our own labels for equalities hold signs that it cannot."""
    if not row.label:
        return ""
    return row.label if not row.label.startswith(".") else codes.setdefault(row.label, f"eq{len(codes) + 1}")


def _joined(values: Sequence[str]) -> str:
    return values[0] if len(values) == 1 else f"c({', '.join(values)})"


def lavaan_syntax(fitted: Fitted, aliases: Mapping[str, str]) -> str:
    """Write the whole parameter table as lavaan syntax for ``lavaan::lavaan()``.

    Parameters
    ----------
    fitted : Fitted
        The fitted model.
    aliases : mapping of str to str
        Variable -> its name in R.

    Returns
    -------
    str
        One parameter a line.
    """
    table = fitted.structure.table
    by_name: dict[tuple[str, str, str], list[Row]] = {}
    for row in table.rows:
        by_name.setdefault((row.lhs, row.op, row.rhs), []).append(row)
    codes: dict[str, str] = {}
    lines: list[str] = []
    delta = table.ordinal and table.options.parameterization == "delta"
    for (lhs, op, rhs), rows in by_name.items():
        left_over = op == "~~" and lhs == rhs and lhs in table.items
        if (delta and left_over) or (table.ordinal and not delta and op == "~*~"):
            continue
        left, right = aliases[lhs], "1" if op == "~1" else aliases.get(rhs, rhs)
        values = _joined(["NA" if row.free else repr(row.value) for row in rows])
        line = f"{left} {'~' if op == '~1' else op} {values}*{right}"
        labels = [_label(row, codes) for row in rows]
        if any(labels):
            line += f" + {_joined([label or f'free{len(lines)}g{k}' for k, label in enumerate(labels)])}*{right}"
        lines.append(line)
    lines += [f"{written(c.left)} == {written(c.right)}" for c in table.model.constraints]
    lines += [f"{d.name} := {written(d.expression)}" for d in table.model.defined]
    return "\n".join(lines)


def lavaan_script(fitted: Fitted, frame: pd.DataFrame, *, likelihood: str, missing: str) -> RScript:
    """Return the data and the script that recompute a fit.

    Parameters
    ----------
    fitted : Fitted
        The fitted model.
    frame : DataFrame
        The rows used.
    likelihood : str
        ``normal`` or ``wishart``.
    missing : str
        ``listwise`` or ``fiml``.

    Returns
    -------
    RScript
        Shows fit measures by name, and ``est.<lhs><op><rhs>.<group>`` and ``se. ...`` for every free parameter.
    """
    table, aliases = fitted.structure.table, _aliases(fitted)
    scaled, likely = fitted.estimator.scaled, fitted.estimator.likelihood
    shown = (*_SHOWN, *(_SCALED if scaled else ()), *(_LIKELIHOOD if likely else ()))
    settings = [
        f"estimator = {r_string(fitted.estimator.name)}",
        f"missing = {r_string('ml' if missing == 'fiml' else missing)}",
    ]
    data = frame.rename(columns=aliases)
    if fitted.sample.group is not None:
        data = data.rename(columns={fitted.sample.group: "group"})
        names = r_vector(fitted.sample.names)
        settings += ['group = "group"', f"group.label = {names}"]
    if table.ordinal:
        kind = r_string(table.options.parameterization)
        settings += [
            f"ordered = {r_vector(tuple(aliases[item] for item in table.items))}",
            f"parameterization = {kind}",
        ]
    else:
        settings.append(f"meanstructure = {'TRUE' if fitted.means else 'FALSE'}")
    if likelihood == "wishart":
        settings.append('likelihood = "wishart"')
    if fitted.errors == "observed" and missing == "listwise":
        settings.append('information = "observed"')
    renamed = [f"# {alias} stands for {r_string(name)}\n" for name, alias in aliases.items() if alias != name]
    body = (
        f"library(lavaan)\n{''.join(renamed)}model <- '\n{lavaan_syntax(fitted, aliases)}\n'\n"
        f"fit <- lavaan(model, data = responses, {', '.join(settings)})\n"
        f"measures <- fitMeasures(fit)\nfor (name in {r_vector(shown)}) show(name, measures[name])\n"
        "rows <- parTable(fit)\nfree <- rows$free > 0 & !duplicated(paste(rows$lhs, rows$op, rows$rhs, rows$group))\n"
        "for (k in which(free)) {\n"
        '  name <- paste(paste0(rows$lhs[k], rows$op[k], rows$rhs[k]), rows$group[k], sep = ".")\n'
        '  show(paste("est", name, sep = "."), rows$est[k])\n  show(paste("se", name, sep = "."), rows$se[k])\n}\n'
    )
    return RScript(made_by="psychometrics.cfa", body=body, data=data, name="cfa")
