"""What no import format can carry: survey flow, draws, who sees what, due dates, and the test before launch."""

from collections.abc import Iterator, Sequence

from feedbackstudy.collect.platforms.limesurvey import question_code
from feedbackstudy.collect.platforms.limesurvey_survey import answer_codes
from feedbackstudy.collect.platforms.questionnaire import Condition, WaveForm
from feedbackstudy.design.waves import Wave
from feedbackstudy.study import Study
from feedbackstudy.study.texts import study_exemplars

__all__ = ["checklist"]


def checklist(study: Study, forms: Sequence[WaveForm], platform: str) -> str:
    """Write the list of what must be set by hand, and tried, before launch.

    Parameters
    ----------
    study : Study
        The study.
    forms : sequence of WaveForm
        Its questionnaires.
    platform : {"qualtrics", "limesurvey"}
        Where they go.

    Returns
    -------
    str
        Markdown.
    """
    parts = [f"# Before launch: {study.title}", "", f"Design hash `{study.design_hash}`. One survey for each wave.", ""]
    parts += _identity(study, platform)
    parts += _draw(study, platform)
    for form in forms:
        parts += _wave(form, platform)
    parts += _conduct(study)
    parts += _tests(study, platform)
    return "\n".join(parts) + "\n"


def _identity(study: Study, platform: str) -> Iterator[str]:
    yield "## Who is who"
    yield ""
    if platform == "qualtrics":
        yield "- [ ] First element of the survey flow: embedded data `fs_pid`, `fs_cond`, `fs_exemplar`, from the link"
        yield "      (`?fs_pid=...`), and `fs_wave` set to the wave's name. Clusters too: " + _names(study)
        yield "- [ ] Survey options: 'Anonymize responses' on, so that IP address and location are not kept."
        yield "- [ ] Export with numeric values, all columns, UTF-8, and 'Seen but unanswered' left empty."
    else:
        yield "- [ ] Participant list with the attributes 1 = fs_pid, 2 = fs_cond, 3 = fs_exemplar; hidden questions"
        yield "      (fspid, fscond, fsexemplar) take them over. Clusters as further attributes: " + _names(study)
        yield "- [ ] Export answers as codes, question codes as headers, all columns."
    yield "- [ ] The id is a random code, never a name or an e-mail address, and the same in all waves."
    yield ""


def _names(study: Study) -> str:
    names = study.units.names[:-1]
    return (", ".join(f"`{name}`" for name in names) if names else "none") + "."


def _draw(study: Study, platform: str) -> Iterator[str]:
    cells = study.crossing.cells()
    yield "## Who gets what"
    yield ""
    yield "- [ ] Draw here, not in the platform: with a known roster by `feedbackstudy assign contacts`; for people who"
    yield "      come one by one by `feedbackstudy assign seal --links` and then `feedbackstudy assign pool`."
    yield "      That draw can be proved; a platform's cannot."
    if platform == "qualtrics":
        yield f"- [ ] Only where that is impossible: a Randomizer in the survey flow with {len(cells)} embedded data"
        yield "      elements, 'Evenly present'; each sets `fs_cond` to one of the keys below."
    yield ""
    yield "| value of `fs_cond` | arm | levels |"
    yield "|---|---|---|"
    for cell in cells:
        levels = ", ".join(f"{name} = {level}" for name, level in cell.levels)
        yield f"| `{cell.key}` | {cell.arm} | {levels or '-'} |"
    exemplars = study_exemplars(study)
    if exemplars:
        yield ""
        yield f"- [ ] `fs_exemplar` is one of {', '.join(f'`{name}`' for name in exemplars)}, drawn within cells."
    yield ""


def _due(wave: Wave) -> str:
    first, last = wave.window_days
    opens = f"{wave.offset_days:g} days after the {wave.anchor}"
    pseudo = " Arms without feedback take over the date of somebody who gets it." if wave.pseudo_date else ""
    return (
        f"opens {opens}; an answer counts from day {first:g} to day {last:g} of that. Set the link's expiration date, "
        f"and invite nobody outside the window.{pseudo}"
    )


def _wave(form: WaveForm, platform: str) -> Iterator[str]:
    yield f"## Wave {form.wave.name}"
    yield ""
    yield f"- [ ] Due dates: {_due(form.wave)}"
    yield "- [ ] Nobody can go back behind a message (no back button)."
    yield ""
    yield "| question | shown to | must answer | check |"
    yield "|---|---|---|---|"
    for question in form.questions:
        name = question.name if platform == "qualtrics" else question_code(question.name)
        must = "force response" if question.required else "request response" if question.kind != "text" else "-"
        yield f"| `{name}` | {_who(question.shown)} | {must} | {question.note or '-'} |"
    yield ""
    codes = {q.name: answer_codes([code for code, _ in q.answers]) for q in form.questions if q.answers}
    changed = {name: told for name, told in codes.items() if any(a != b for a, b in told.items())}
    if platform == "limesurvey" and changed:
        yield "LimeSurvey takes letters and digits only; read these back with `labels=`:"
        yield ""
        for name, told in changed.items():
            yield f"- `{name}`: " + ", ".join(f"{ours} is `{theirs}`" for ours, theirs in told.items())
        yield ""


def _who(shown: Condition) -> str:
    parts = []
    if shown.cells:
        listed = ", ".join(f"`{key}`" for key in shown.cells)
        parts.append(f"`fs_cond` is {'one of ' if len(shown.cells) > 1 else ''}{listed}")
    if shown.exemplar:
        parts.append(f"`fs_exemplar` is `{shown.exemplar}`")
    who = "; and ".join(parts) or "everybody"
    return f"{who}; of these people, a random half (randomizer: 1 of 2)" if shown.half else who


def _conduct(study: Study) -> Iterator[str]:
    conduct = study.conduct
    yield "## How people are treated"
    yield ""
    if conduct.consent is not None:
        yield "- [ ] `consent` = 0 ends the survey at once (branch, end of survey), and nothing before it is asked."
    if conduct.re_consent is not None:
        yield "- [ ] `re_consent` = 0 is kept: these answers are erased when reading."
    if conduct.debriefing is not None:
        yield "- [ ] The debriefing is shown also to people who leave early (link on the last page of each wave)."
    if conduct.withheld_feedback is not None and conduct.withheld_feedback.given_afterwards:
        days = conduct.withheld_feedback.after_days
        when = f" within {days:g} days" if days is not None else ""
        yield f"- [ ] Feedback that was withheld is sent after the last wave{when}."
    if conduct.ethics_approval in {None, "pending"}:
        yield "- [ ] The ethics committee has not decided; do not launch."
    yield ""


def _tests(study: Study, platform: str) -> Iterator[str]:
    cells = [cell.key for cell in study.crossing.cells()]
    yield "## Test script"
    yield ""
    for key in cells:
        yield f"- [ ] Run through every wave with `fs_cond={key}`: the tables above say what must be shown."
    yield "- [ ] Answer one run with the lowest code everywhere, one with the highest; export, and read both with"
    yield "      `collect.read`: no error, and every item at its end of the scale."
    if platform == "qualtrics":
        yield "- [ ] Export the survey as QSF and run `collect.prove_qsf(path, study)`: no error."
    yield "- [ ] Delete the test answers, or leave them with their status 'Survey Preview'; reading leaves them out."
    yield ""
