"""``python -m bot``."""

import sys

from bot.cli import own_metrics


def _run() -> None:
    own_metrics.make(sys.argv[1:])
    from bot.cli.main import main  # only now: what counts is imported with it

    main()


_run()
