"""Builds `steelyard/chain/artifacts/*.json` from the Solidity sources: `python -m scripts.compile_contracts`.

Each contract is compiled alone, from a standard JSON input that holds its source, the imports and nothing else. An
artifact carries the SHA-256 of that input, so that `stale_artifacts` finds an outdated one without compiling.
The settings are read from foundry.toml: forge tests exactly what ships.
"""

import argparse
import hashlib
import json
import posixpath
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import solcx
from solcx.exceptions import SolcError

ROOT = Path(__file__).resolve().parents[1]
ARTIFACTS = ROOT / "steelyard" / "chain" / "artifacts"
MOCKS = ("TestToken",)
"""Mocks that ship: the demo's token."""

_IMPORT = re.compile(r"""^\s*import\b[^;]*?["']([^"']+)["']\s*;""", re.MULTILINE)


def contract_sources() -> dict[str, str]:
    """Maps the name of each contract and interface that ships to its source path; a file has the contract's name."""
    base = ROOT / "contracts" / "src"
    paths = [*base.glob("*.sol"), *base.glob("interfaces/*.sol"), *base.glob("rules/*.sol")]
    paths += [base / "mocks" / f"{name}.sol" for name in MOCKS]
    return {path.stem: path.relative_to(ROOT).as_posix() for path in sorted(paths, key=_stem) if _ships(path)}


def build_input(source: str) -> dict[str, Any]:
    """The compiler's standard JSON input for one source and all that it imports, with foundry.toml's settings."""
    with (ROOT / "foundry.toml").open("rb") as file:
        profile = tomllib.load(file)["profile"]["default"]
    settings: dict[str, Any] = {
        "evmVersion": profile["evm_version"],
        "optimizer": {"enabled": profile["optimizer"], "runs": profile["optimizer_runs"]},
        "outputSelection": {source: {"*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"]}},
        "remappings": sorted(profile["remappings"]),
        "viaIR": profile.get("via_ir", False),
    }
    sources = {path: {"content": content} for path, content in _with_imports(source, profile["remappings"])}
    return {"language": "Solidity", "settings": settings, "sources": sources}


def compute_source_hash(compiler_input: dict[str, Any]) -> str:
    """SHA-256, in hex, of the compiler's version and its normalised input."""
    version = json.loads((ROOT / "package.json").read_text())["dependencies"]["solc"]
    normalised = json.dumps([version, compiler_input], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(normalised.encode()).hexdigest()


def compile_contract(name: str, source: str) -> str:
    """Compiles one contract and returns the text of its artifact.

    Raises:
      solcx.exceptions.SolcError: the compiler found an error.
    """
    compiler_input = build_input(source)
    output = solcx.compile_standard(compiler_input, solc_binary=ROOT / "scripts" / "solc", allow_empty=True)
    contract = output["contracts"][source][name]
    artifact = {
        "abi": sorted(contract["abi"], key=lambda entry: (entry["type"], entry.get("name", ""), json.dumps(entry))),
        "bytecode": "0x" + contract["evm"]["bytecode"]["object"],
        "deployedSize": len(contract["evm"]["deployedBytecode"]["object"]) // 2,
        "name": name,
        "source": source,
        "sourceHash": compute_source_hash(compiler_input),
    }
    return json.dumps(artifact, indent=1, sort_keys=True) + "\n"


def stale_artifacts() -> list[str]:
    """Names of contracts whose artifact is missing or of other sources, and of artifacts without a contract."""
    sources = contract_sources()
    stale = [
        name for name, source in sources.items() if _recorded_hash(name) != compute_source_hash(build_input(source))
    ]
    return stale + [path.stem for path in sorted(ARTIFACTS.glob("*.json")) if path.stem not in sources]


def _stem(path: Path) -> str:
    return path.stem


def _ships(path: Path) -> bool:
    """Libraries and abstract contracts are part of others."""
    return re.search(rf"^(contract|interface) {path.stem}\b", path.read_text(), re.MULTILINE) is not None


def _recorded_hash(name: str) -> str | None:
    path = ARTIFACTS / f"{name}.json"
    return json.loads(path.read_text())["sourceHash"] if path.exists() else None


def _with_imports(source: str, remappings: list[str]) -> Iterator[tuple[str, str]]:
    pending, seen = [source], {source}
    while pending:
        path = pending.pop()
        content = (ROOT / path).read_text()
        yield path, content
        for target in _IMPORT.findall(content):
            imported = _resolve(path, target, remappings)
            if imported not in seen:
                seen.add(imported)
                pending.append(imported)


def _resolve(importer: str, target: str, remappings: list[str]) -> str:
    if target.startswith("."):
        return posixpath.normpath(posixpath.join(posixpath.dirname(importer), target))
    for remapping in remappings:
        prefix, replacement = remapping.split("=", 1)
        if target.startswith(prefix):
            return replacement + target.removeprefix(prefix)
    return target


def main() -> int:
    """Compiles what is stale, or the contracts named, or everything; or only says what is stale."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("names", nargs="*", help="contracts to compile; default: those whose artifact is stale")
    parser.add_argument("--all", action="store_true", help="compile up-to-date contracts too")
    parser.add_argument("--check", action="store_true", help="compile nothing; exit with 1 if an artifact is stale")
    arguments = parser.parse_args()
    sources = contract_sources()
    stale = list(sources) if arguments.all else arguments.names or stale_artifacts()
    if arguments.check:
        print("\n".join(f"stale: {name}" for name in stale) or "all artifacts are up to date")
        return 1 if stale else 0
    for name in stale:
        path = ARTIFACTS / f"{name}.json"
        if name in sources:
            try:
                path.write_text(compile_contract(name, sources[name]))
            except SolcError as error:
                print(f"{name} does not compile:\n{error.message}", file=sys.stderr)
                return 1
            print(f"compiled {name}: {json.loads(path.read_text())['deployedSize']:,} bytes")
        else:
            path.unlink()
            print(f"removed {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
