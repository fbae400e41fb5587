"""Read a report of pip-audit and say what it is worth: packages that its database does not know were not checked."""

import json
import sys
from pathlib import Path

__all__ = ["judge"]


def judge(report: Path | None) -> tuple[int, str]:
    """Say how many locked packages were looked up, and what was found.

    Parameters
    ----------
    report : Path or None
        What ``pip-audit --format json`` wrote; None or absent where it could not run.

    Returns
    -------
    tuple of (int, str)
        1 where a package has a known vulnerability, else 0; and what to print. pip-audit itself reports success where
        it could look nothing up.
    """
    try:
        packages = json.loads(report.read_text(encoding="utf-8"))["dependencies"] if report is not None else []
    except (OSError, ValueError, KeyError):
        packages = []
    skipped = [each["name"] for each in packages if "skip_reason" in each]
    checked = len(packages) - len(skipped)
    if not checked:
        return 0, "NOT CHECKED: pip-audit could not be had, or its database could not be reached."
    known = [f"{each['name']} {each['version']}: {each['vulns'][0]['id']}" for each in packages if each.get("vulns")]
    told = f"{checked} of {len(packages)} locked packages were looked up; {len(known)} have known vulnerabilities."
    if skipped:
        told += f" NOT CHECKED: {', '.join(skipped)}."
    return int(bool(known)), "\n".join([told, *known])


if __name__ == "__main__":
    code, words = judge(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
    print(words)
    sys.exit(code)
