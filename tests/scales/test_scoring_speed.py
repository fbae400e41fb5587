"""Forty items of a million people are scored in seconds, within memory."""

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "scoring.py"


@pytest.mark.slow
def test_a_million_people_are_scored_within_the_limits():
    done = subprocess.run([sys.executable, str(BENCHMARK)], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "feedbackstudy score" in done.stdout


def test_the_benchmark_gives_the_same_scores_both_ways():
    done = subprocess.run([sys.executable, str(BENCHMARK), "2000"], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
