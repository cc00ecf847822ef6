"""Settings of programs that run long: from the environment, and over them from the command line."""

from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings

from steelyard.errors import ConfigError

S = TypeVar("S", bound=BaseSettings)


def load_settings(kind: type[S], **given: Any) -> S:
    """Settings of the environment, and what the command line gives (anything but None) over them.

    Raises:
      ConfigError: one of them is not what it should be.
    """
    try:
        return kind(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(f"setting {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
