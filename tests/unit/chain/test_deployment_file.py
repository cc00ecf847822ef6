"""A deployment file says exactly what it should, or is refused with the reason."""

import json
from pathlib import Path
from typing import Any

import pytest

from steelyard.chain.deploy import Deployment
from steelyard.errors import ConfigError
from steelyard.types import Address

ADDRESS = Address("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")
DEPLOYMENT = Deployment(
    chain_id=31337,
    marketplace=ADDRESS,
    verifier=ADDRESS,
    rules={"mean": ADDRESS},
    block=7,
    srs_digest="ab" * 32,
)


@pytest.mark.parametrize("token", [None, ADDRESS])
def test_file_round_trips(token: Address | None, tmp_path: Path) -> None:
    deployment = Deployment(31337, ADDRESS, ADDRESS, {"mean": ADDRESS}, 7, "ab" * 32, token)
    path = tmp_path / "deployment.json"
    path.write_text(deployment.dump())
    assert Deployment.load(path) == deployment


@pytest.mark.parametrize(
    ("member", "value", "message"),
    [
        ("version", 2, "version 2"),
        ("chainId", "31337", "chainId"),
        ("chainId", True, "chainId"),
        ("block", -1, "block"),
        ("marketplace", ADDRESS.lower(), "marketplace"),
        ("verifier", None, "verifier"),
        ("rules", {}, "names no rules"),
        ("rules", {"mean": "0x1"}, "mean"),
        ("srsDigest", 5, "srsDigest"),
        ("token", "", "token"),
        ("surprise", 1, "exactly the members"),
    ],
)
def test_wrong_member_is_refused(member: str, value: Any, message: str) -> None:
    raw = {**json.loads(DEPLOYMENT.dump()), member: value}
    with pytest.raises(ConfigError, match=message):
        Deployment.parse(json.dumps(raw))


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", "{", "[" * 60_000])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        Deployment.parse(text)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read the deployment file"):
        Deployment.load(tmp_path / "none.json")
