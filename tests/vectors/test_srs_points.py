"""The points that the verifier contract is tested and deployed with are those of the SRS that Python proves with."""

import json

from scripts.generate_srs_points import TARGET, build_points


def test_points_are_those_of_the_pinned_srs() -> None:
    assert json.loads(TARGET.read_text()) == build_points()
