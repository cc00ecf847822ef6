"""Writes `web/src/chain/abi.ts`: what the page decodes and calls, from the contracts' artifacts.

As constants and not as JSON, so that TypeScript knows the type of every argument.

    python -m scripts.generate_web_abi            writes the file
    python -m scripts.generate_web_abi --check    exits with 1 if it is not what would be written
"""

import json
import sys
from pathlib import Path
from typing import Any, Final

from steelyard.chain.artifacts import load_artifact

FILE: Final = Path(__file__).parents[1] / "web" / "src" / "chain" / "abi.ts"

_NO_CALLS: Final = frozenset({"mint", "transferFrom"})
"""Functions of the test token that the page has no use for."""

_COMPONENTS: Final = ("IGramVerifier", "IWeighingRule")

_HEAD: Final = "// Written by scripts/generate_web_abi.py from the contracts' artifacts. Do not edit.\n"


def render() -> str:
    """The module's text."""
    market = load_artifact("Steelyard").abi
    token = [entry for entry in load_artifact("TestToken").abi if entry.get("name") not in _NO_CALLS]
    errors = [entry for name in _COMPONENTS for entry in load_artifact(name).abi if entry["type"] == "error"]
    names = [entry for entry in load_artifact("IWeighingRule").abi if entry.get("name") == "name"]
    parts = (
        ("STEELYARD_ABI", "The marketplace.", market),
        ("TOKEN_ABI", "An ERC-20 token with permits (ERC-2612, EIP-5267).", token),
        ("RULE_ABI", "A weighing rule, as far as it tells its name.", names),
        ("COMPONENT_ERRORS", "What the verifier and the rules refuse.", errors),
    )
    return _HEAD + "".join(
        f"\n/** {text} */\nexport const {name} = {_dump(abi)} as const;\n" for name, text, abi in parts
    )


def _dump(abi: list[dict[str, Any]]) -> str:
    entries = [entry for entry in abi if entry["type"] != "constructor"]
    lines = ",\n".join("  " + json.dumps(_strip(entry), separators=(", ", ": ")) for entry in entries)
    return f"[\n{lines},\n]"


def _strip(entry: Any) -> Any:
    """Without the names of Solidity's own types, which nothing here reads."""
    if isinstance(entry, list):
        return [_strip(each) for each in entry]
    if isinstance(entry, dict):
        return {key: _strip(value) for key, value in entry.items() if key != "internalType"}
    return entry


def main() -> int:
    """Writes or checks the file; returns the exit code."""
    text = render()
    if "--check" in sys.argv[1:]:
        if not FILE.is_file() or FILE.read_text() != text:
            print(f"{FILE.name} is stale: python -m scripts.generate_web_abi", file=sys.stderr)
            return 1
        return 0
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
