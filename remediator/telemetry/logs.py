"""Logs: structlog on stderr, for people; libraries only where they warn."""

from __future__ import annotations

import logging
import sys

import structlog

_EVERYTHING = 2
_NOISY = ("apscheduler", "boto3", "botocore", "urllib3", "kubernetes")


def configure(verbose: int = 0, *, machine: bool = False) -> None:
    """Send logs to stderr: warnings, with -v what is done, with -vv every detail of our own.

    For people, or for a `machine`: one JSON object a line, libraries' logs included.
    """
    level = {0: logging.WARNING, 1: logging.INFO}.get(verbose, logging.DEBUG)
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="%Y-%m-%dT%H:%M:%SZ", utc=True),
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *(_FOR_MACHINES if machine else (_for_people(),)),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _NOISY:
        # Below WARNING botocore logs whole answers, environment variables and links to code included.
        logging.getLogger(name).setLevel(logging.WARNING)
    # It warns, with a traceback, of a role that is refused; we say so in a sentence.
    logging.getLogger("botocore.credentials").setLevel(logging.ERROR)
    if verbose < _EVERYTHING:
        # It warns of each retried connection; our own sentence comes when they are used up.
        logging.getLogger("urllib3").setLevel(logging.ERROR)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=False,
    )


# Neither shows the local variables of a traceback's frames: specs and tokens are among them.
_FOR_MACHINES = (structlog.processors.format_exc_info, structlog.processors.JSONRenderer(sort_keys=False))


def _for_people() -> structlog.typing.Processor:
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
