"""``python -m feedbackstudy`` is the command ``feedbackstudy``."""

import sys

from feedbackstudy.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
