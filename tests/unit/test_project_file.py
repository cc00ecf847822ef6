"""A project file is refused where the contract would refuse the project, and earlier."""

from pathlib import Path

import pytest

from steelyard.errors import SpecError
from steelyard.rounds.project_file import load_project_file
from steelyard.rules import ON_CHAIN_RULES, RULES

EXAMPLE = (Path(__file__).parents[2] / "scripts" / "project_example.toml").read_text()


def write(folder: Path, rule: str, trainers: int = 7) -> Path:
    text = EXAMPLE.replace('# rule = "screen-clip-nnm-multi-krum"', f'rule = "{rule}"')
    text = text.replace("max_trainers = 10", f"max_trainers = {trainers}")
    path = folder / "project.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("rule", ON_CHAIN_RULES)
def test_a_rule_with_a_contract_is_taken(tmp_path: Path, rule: str) -> None:
    assert load_project_file(write(tmp_path, rule)).chain.rule == rule


@pytest.mark.parametrize("rule", sorted(RULES.keys() - ON_CHAIN_RULES.keys()))
def test_a_rule_without_a_contract_is_refused(tmp_path: Path, rule: str) -> None:
    with pytest.raises(SpecError, match=f"{rule}.* is off-chain only, a project may have screen-clip-nnm-multi-krum"):
        load_project_file(write(tmp_path, rule))


def test_an_unknown_rule_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="unknown rule 'median'"):
        load_project_file(write(tmp_path, "median"))


def test_the_root_takes_the_place_of_a_trainer(tmp_path: Path) -> None:
    assert load_project_file(write(tmp_path, "fltrust", 31)).chain.max_trainers == 31
    assert load_project_file(write(tmp_path, "nna", 32)).chain.max_trainers == 32
    with pytest.raises(SpecError, match="31 trainers at most, and your root"):
        load_project_file(write(tmp_path, "fltrust", 32))
