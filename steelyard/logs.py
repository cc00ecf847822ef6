"""Structured logs on stderr, for programs that run long: one JSON object a line, or lines for people."""

import logging
from collections.abc import MutableMapping
from typing import Any

import structlog

from steelyard.gram.srs_library import uses_insecure_srs


def add_insecure_mark(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: says in every line that an insecure reference string is in use, if one is."""
    if uses_insecure_srs():
        event["srs"] = "INSECURE"
    return event


def configure_logs(level: str, *, as_json: bool) -> None:
    """Sends what this program and its libraries log to stderr, in one form.

    Args:
      level: the least severe that is told: `debug`, `info`, `warning`, `error` or `critical`.
      as_json: one object a line; else for people.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        add_insecure_mark,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.PositionalArgumentsFormatter(),
    ]
    renderer: list[structlog.typing.Processor] = (
        [structlog.processors.dict_tracebacks, structlog.processors.JSONRenderer()]
        if as_json
        else [structlog.dev.ConsoleRenderer()]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    if level != "debug":
        logging.getLogger("httpx").setLevel(logging.WARNING)  # it tells of every request, and a store makes many
