"""ByzFL's aggregators, where they are installed: a development-only peer to compare with.

    pip install --no-deps -r requirements-byzfl.txt

The package itself imports a training framework as well, and with it torchvision and seaborn. Its aggregators need
neither, so they are imported without running the package's own `__init__`.
"""

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import Any


def is_installed() -> bool:
    """Whether ByzFL is there."""
    return importlib.util.find_spec("byzfl") is not None


def import_module(name: str) -> Any:
    """A module of ByzFL's, such as `aggregators.aggregators`.

    Raises:
      ImportError: ByzFL is not installed.
    """
    if "byzfl" not in sys.modules:
        spec = importlib.util.find_spec("byzfl")
        if spec is None or spec.submodule_search_locations is None:
            raise ImportError("ByzFL is not installed: pip install --no-deps -r requirements-byzfl.txt")
        package = ModuleType("byzfl")
        package.__path__ = list(spec.submodule_search_locations)
        sys.modules["byzfl"] = package
    return importlib.import_module(f"byzfl.{name}")
