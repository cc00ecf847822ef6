"""Compiled contracts, as `scripts/compile_contracts.py` wrote them: needs neither node nor a compiler.

>>> load_artifact("ISteelyard").name
'ISteelyard'
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True)
class Artifact:
    """One contract or interface.

    `bytecode` is the creation code without constructor arguments, empty for interfaces; `deployed_size` counts the
    bytes of code that it leaves on chain.
    """

    name: str
    source: str
    source_hash: str
    abi: list[dict[str, Any]]
    bytecode: bytes
    deployed_size: int


def artifact_names() -> tuple[str, ...]:
    """Names of all artifacts, sorted."""
    return tuple(sorted(path.name.removesuffix(".json") for path in _json_files()))


@cache
def load_artifact(name: str) -> Artifact:
    """Reads one artifact.

    Raises:
      FileNotFoundError: there is none of this name.
    """
    raw = json.loads((files(__name__) / f"{name}.json").read_text())
    return Artifact(
        name=raw["name"],
        source=raw["source"],
        source_hash=raw["sourceHash"],
        abi=raw["abi"],
        bytecode=bytes.fromhex(raw["bytecode"].removeprefix("0x")),
        deployed_size=raw["deployedSize"],
    )


def abi_errors() -> dict[str, dict[str, Any]]:
    """Every custom error of every artifact, by name. Errors of one name have one signature (a test holds this)."""
    entries = (entry for name in artifact_names() for entry in load_artifact(name).abi if entry["type"] == "error")
    return {entry["name"]: entry for entry in entries}


def _json_files() -> Iterator[Any]:
    return (path for path in files(__name__).iterdir() if path.name.endswith(".json"))
