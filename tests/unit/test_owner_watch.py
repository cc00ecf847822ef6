"""The picture of `steelyard owner watch`, drawn from figures alone."""

from dataclasses import replace
from io import StringIO
from typing import cast

import pytest
from rich.console import Console

from scripts.owner_watch import View, describe, draw
from steelyard.chain.events import RoundClosed
from steelyard.chain.records import (
    ZERO_ADDRESS,
    Member,
    Project,
    ProjectParams,
    ProjectStatus,
    Round,
    RoundOutcome,
    RoundStatus,
)
from steelyard.cli_money import Money
from steelyard.types import Address, Cid, Codec, ProjectId

PROJECT = ProjectId(bytes([9]) * 32)
ADA, BEN = Address("0x" + "aA" * 20), Address("0x" + "bB" * 20)


def make_view(status: RoundStatus = RoundStatus.COLLECTING) -> View:
    params = ProjectParams(
        *(ADA, ZERO_ADDRESS, 900, 3, 3, 5, 0, 3_000, 10, 500, 5_000, 3, 3, 20, 5_000, 60, 60, 60, 60, 100),
        *(ZERO_ADDRESS, ZERO_ADDRESS, ZERO_ADDRESS, Cid(Codec.RAW, bytes(32))),
    )
    project = Project(params, ProjectStatus.RUNNING, 50, 7, 1, 2, 0, 0, 3, 0, False)
    round_ = Round(1, 2, status, RoundOutcome.NONE, BEN, 0, 1_000, 2_000, 3_000, 1, 0b10, 0, 0, False)
    members = (Member(ADA, 1, 0, True, 0, 5), Member(BEN, 0, 2, False, 0, 0))
    closed = (RoundClosed(PROJECT, 0, 1, RoundOutcome.FINAL, 290, 10),)
    return View(PROJECT, project, round_, members, (), closed, now=400)


def see(view: View) -> str:
    page = StringIO()
    console = Console(file=page, width=130, highlight=False)
    console.print(draw(view, cast("Money", lambda units: f"{units} units")))
    return page.getvalue()


@pytest.mark.parametrize(
    ("status", "deadline"),
    [
        (RoundStatus.COLLECTING, 1_000),
        (RoundStatus.WEIGHING, 2_000),
        (RoundStatus.ATTESTING, 3_000),
        (RoundStatus.DECIDED, None),
    ],
)
def test_the_deadline_is_that_of_the_phase(status: RoundStatus, deadline: int | None) -> None:
    view = make_view(status)
    assert view.deadline == describe(view)["deadline"] == deadline


def test_the_picture_says_who_has_done_what() -> None:
    picture = see(make_view())
    for words in (
        "running, round 2 of 3, collecting",
        "10 min",
        "budget 900 units, pool 7 units",
        "final",
        "290 units",
    ):
        assert words in picture
    (ada,) = (line for line in picture.splitlines() if line.startswith(ADA))
    (ben,) = (line for line in picture.splitlines() if line.startswith(BEN))
    assert ("submitted" in ada, "left" in ben, "5 units" in ada) == (False, True, True)


def test_a_deadline_that_has_passed_asks_for_a_poke() -> None:
    assert "poke" in see(replace(make_view(), now=1_001))
    assert "poke" not in see(make_view())


def test_machines_read_the_same_figures() -> None:
    said = describe(make_view())
    members = cast("list[dict[str, object]]", said["members"])
    assert [member["submitted"] for member in members] == [False, True]
    assert (said["pool"], said["closed"]) == ("7", [{"round": 0, "attempt": 1, "outcome": "final"}])


def test_an_owner_is_told_that_its_root_is_missing() -> None:
    view = make_view()
    rooted = replace(view, project=replace(view.project, rooted=True))
    sent = replace(rooted, round=replace(rooted.round, has_root=True))
    assert "root" not in see(view)
    assert "missing: `steelyard owner root run`" in see(rooted)
    assert "root submitted" in see(sent)
    assert [(describe(each)["rooted"], describe(each)["hasRoot"]) for each in (view, rooted, sent)] == [
        (False, False),
        (True, False),
        (True, True),
    ]
