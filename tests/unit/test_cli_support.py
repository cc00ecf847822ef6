import json
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from steelyard.cli_support import (
    create_app,
    format_amount,
    format_duration,
    open_connection,
    parse_address,
    parse_amount,
    parse_project_id,
    print_json,
    to_json,
)
from steelyard.errors import ConfigError, DataError, ProofRejectedError, StorageUnavailableError

ADDRESS = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"  # EIP-55's first example


class TestAddresses:
    @pytest.mark.parametrize("text", [ADDRESS, ADDRESS.lower(), "0x" + ADDRESS[2:].upper(), ADDRESS[2:]])
    def test_accepted_spellings_give_the_checksummed_one(self, text: str) -> None:
        assert parse_address(text) == ADDRESS

    @pytest.mark.parametrize("text", ["", "0x", "0x12", ADDRESS + "0", "0x" + "g" * 40, "alice.eth"])
    def test_something_else_is_refused(self, text: str) -> None:
        with pytest.raises(ConfigError, match="not an address"):
            parse_address(text)

    def test_a_mistyped_letter_is_noticed(self) -> None:
        with pytest.raises(ConfigError, match="checksum"):
            parse_address(ADDRESS.replace("E94C", "e94C"))


@pytest.mark.parametrize("text", ["", "0x", "0x" + "ab" * 31, "ab" * 33, "x" * 64])
def test_a_malformed_project_id_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="project id"):
        parse_project_id(text)


@pytest.mark.parametrize("prefix", ["", "0x"])
def test_a_project_id_is_32_bytes(prefix: str) -> None:
    assert parse_project_id(prefix + "ab" * 32) == b"\xab" * 32


class TestAmounts:
    @pytest.mark.parametrize(
        ("text", "decimals", "units"),
        [("1", 18, 10**18), ("0.5", 6, 500_000), ("12.345678", 6, 12_345_678), ("0", 0, 0)],
    )
    def test_tokens_become_units_exactly(self, text: str, decimals: int, units: int) -> None:
        assert parse_amount(text, decimals) == units

    @pytest.mark.parametrize(
        "text", ["", "x", "-1", "nan", "inf", "0.0000001", "1e40", "1,000", "1" * 100, "0." + "0" * 90 + "1"]
    )
    def test_what_is_not_an_amount_is_refused(self, text: str) -> None:
        with pytest.raises(ConfigError, match="amount"):
            parse_amount(text, 6)

    @given(st.integers(0, 2**128 - 1), st.integers(0, 18))
    def test_what_is_printed_can_be_read_back(self, units: int, decimals: int) -> None:
        assert parse_amount(format_amount(units, decimals).replace(",", ""), decimals) == units

    def test_no_digit_is_lost_to_the_precision_of_decimals(self) -> None:
        units = 2**128 - 1
        assert parse_amount(f"{units // 10**18}.{units % 10**18:018d}", 18) == units


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3_661, "1 h 1 min"), (90_061, "1 d 1 h")]
)
def test_durations_are_told_in_two_units(seconds: int, text: str) -> None:
    assert format_duration(seconds) == text


def test_json_loses_no_digit(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"small": 1, "large": 2**60, "bytes": b"\x01", "nested": {"x": (True, None, 1.5, Path("a"))}})
    assert json.loads(capsys.readouterr().out) == {
        "small": 1,
        "large": str(2**60),
        "bytes": "0x01",
        "nested": {"x": [True, None, 1.5, "a"]},
    }
    assert to_json(-(2**53)) == str(-(2**53))


class TestErrors:
    @pytest.mark.parametrize(
        ("error", "code"),
        [
            (ProofRejectedError("pairing"), 3),
            (StorageUnavailableError("store is down"), 5),
            (DataError("row 3 is [bold]NaN[/bold]"), 7),
        ],
    )
    def test_an_expected_failure_is_a_line_a_hint_and_the_exit_code_of_its_family(
        self, error: Exception, code: int
    ) -> None:
        app = create_app("Test.")

        @app.command()
        def fail() -> None:
            error.hint = "do this"  # type: ignore[attr-defined]
            raise error

        app.callback()(lambda: None)
        parent = typer.Typer()
        parent.add_typer(app, name="group")
        for outcome in (CliRunner().invoke(app, ["fail"]), CliRunner().invoke(parent, ["group", "fail"])):
            assert outcome.exit_code == code
            assert outcome.stdout == ""
            assert outcome.stderr == f"error: {error}\nhint: do this\n"

    def test_a_mistake_of_our_own_is_not_hidden(self) -> None:
        app = create_app("Test.")

        @app.command()
        def fail() -> None:
            raise ZeroDivisionError

        app.callback()(lambda: None)
        assert isinstance(CliRunner().invoke(app, ["fail"]).exception, ZeroDivisionError)


def test_a_missing_deployment_file_is_named_before_the_node_is_asked(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.json") as caught:
        open_connection("http://127.0.0.1:1", tmp_path / "nowhere.json")
    assert "STEELYARD_DEPLOYMENT" in caught.value.hint
