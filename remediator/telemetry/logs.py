"""Logs: structlog on stderr, for people or for machines; libraries only where they warn, in the same stream."""

from __future__ import annotations

import logging
import os
import sys

import structlog

from remediator.model.masking import without_links

_EVERYTHING = 2
_NOISY = ("apscheduler", "boto3", "botocore", "urllib3", "kubernetes")


def for_machines() -> bool:
    """Whether a machine reads what goes to stderr: in a pod, where no terminal shows it."""
    return "KUBERNETES_SERVICE_HOST" in os.environ and not sys.stderr.isatty()


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
                structlog.processors.format_exc_info,
                _without_links,
                structlog.processors.JSONRenderer(sort_keys=False) if machine else _for_people(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # What Python warns of for a library's sake would be a line of another form among these.
    logging.captureWarnings(True)
    for name in _NOISY:
        # Below WARNING botocore logs whole answers, environment variables and links to code included.
        logging.getLogger(name).setLevel(logging.WARNING)
    # It warns of an answer with odd headers by the whole address, which can be the secret of a chat.
    logging.getLogger("urllib3.connection").setLevel(logging.ERROR)
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


def _without_links(_: object, __: str, entry: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Leave out links that anyone may follow to a function's code, whoever logs them.

    Environment values are masked where a text is made: only there it is known whose they are.
    """
    return {key: without_links(each) if isinstance(each, str) else each for key, each in entry.items()}


def _for_people() -> structlog.typing.Processor:
    # An exception is text by now, and without the local variables of its frames: specs and tokens are among them.
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
