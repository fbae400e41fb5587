"""The way out to R of a path: the equations in lavaan, the contrast of cells as a weighted sum."""

from feedbackstudy.analysis.problem import Problem
from feedbackstudy.errors import DataError
from feedbackstudy.psychometrics.rscript import r_string

__all__ = ["path_code"]


def path_code(problem: Problem) -> str:
    """Return a path as R code for lavaan: indicators of the cells but one in every equation.

    Parameters
    ----------
    problem : Problem
        A question about a path, the columns named as `analysis_script` names them.

    Returns
    -------
    str
        Shows estimate and standard error of the effect.

    Raises
    ------
    DataError
        Where the hypothesis declares no path.
    """
    path = problem.question.hypothesis.path
    if path is None:
        raise DataError(f"Hypothesis {problem.question.hypothesis.name!r} declares no path.")
    k, q = problem.steps.shape[1], problem.covariates.shape[1]
    serial = path.structure == "serial"
    row = problem.weights[0]
    dummies = [f"d{j}" for j in range(1, len(problem.cells))]
    covariates = [f"x{j + 1}" for j in range(q)]
    lines = []
    for m in range(k):
        earlier = [f"d{m + 1}{j + 1} * m{j + 1}" for j in range(m)] if serial else []
        causes = [f"a{m + 1}_{d} * {d}" for d in dummies] + earlier + covariates
        lines.append(f"m{m + 1} ~ {' + '.join(causes)}")
    slopes = [f"b{m + 1} * m{m + 1}" for m in range(k)]
    lines.append(f"y ~ {' + '.join([f'c_{d} * {d}' for d in dummies] + slopes + covariates)}")
    if not serial and k > 1:
        lines += [f"m{i + 1} ~~ m{j + 1}" for i in range(k) for j in range(i)]
    weight = {d: row[j + 1] for j, d in enumerate(dummies)}
    first = {m: " + ".join(f"({weight[d]:.17g}) * a{m + 1}_{d}" for d in dummies) for m in range(k)}
    lines += [f"leg{m + 1} := {first[m]}" for m in range(k)]
    lines.append(f"direct := {' + '.join(f'({weight[d]:.17g}) * c_{d}' for d in dummies)}")
    lines.append(f"indirect := {_indirect(k, serial=serial, difference=path.effect == 'difference')}")
    model = "\n".join(f"  {line}" for line in lines)
    wanted = "direct" if path.effect == "direct" else "indirect"
    made = "\n".join(
        f"responses$d{j} <- as.numeric(responses$cell == {r_string(key)})" for j, key in enumerate(problem.cells) if j
    )
    return (
        f"suppressMessages(library(lavaan))\n{made}\n"
        f"model <- '\n{model}\n'\n"
        "fit <- sem(model, data = responses, fixed.x = TRUE)\n"
        "found <- parameterEstimates(fit)\n"
        f'row <- found[found$label == "{wanted}", ]\n'
        'show("estimate", row$est); show("se", row$se)\n'
        '# for intervals by bootstrap: sem(..., se = "bootstrap", bootstrap = 5000)\n'
    )


def _indirect(k: int, *, serial: bool, difference: bool) -> str:
    if serial:
        steps = [f"d{m + 1}{m}" for m in range(1, k)]
        return " * ".join(["leg1", *steps, f"b{k}"])
    products = [f"leg{m + 1} * b{m + 1}" for m in range(k)]
    return f"{products[0]} - {products[1]}" if difference else " + ".join(products)
