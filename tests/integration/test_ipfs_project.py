"""A project over two real IPFS nodes: trainers on one, the aggregator on the other, every blob by bitswap."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.ipfs.node import IpfsNode, connected_nodes
from steelyard.chain.devnet import Devnet
from steelyard.chain.events import UpdateSubmitted
from steelyard.chain.history import REORG_DEPTH
from steelyard.chain.records import ProjectStatus, RoundStatus
from steelyard.errors import StorageUnavailableError
from steelyard.storage import KuboBlobStore
from steelyard.storage.kubo import KuboPatience
from tests.integration.arena_kit import FIRST, Arena, make_arena
from tests.integration.trainer_kit import TRAINERS
from trainer_client.decision import Stop, StopReason

pytestmark = [pytest.mark.deep, pytest.mark.chain, pytest.mark.xdist_group("ipfs")]

PATIENCE = KuboPatience(attempts=2, first_pause_seconds=0.05)


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[IpfsNode]]:
    folder = tmp_path_factory.mktemp("ipfs-project")
    with connected_nodes([folder / "trainers", folder / "others"]) as nodes:
        yield nodes


@pytest.fixture
def arena(tmp_path: Path) -> Iterator[Arena]:
    with Devnet() as devnet:
        yield make_arena(tmp_path, devnet, rounds=2)


def test_a_project_completes_although_nodes_collect_garbage_at_every_step_and_one_is_killed(
    nodes: list[IpfsNode], arena: Arena
) -> None:
    theirs, ours = (KuboBlobStore(node.url, PATIENCE) for node in nodes)
    world, market = arena.world, arena.market
    for cid in (market.get_project(world.project_id).params.spec_cid, world.spec.initial_model):
        ours.put(world.store.get(cid, 10**7))  # the owner's, so trainers have them by bitswap only
    arena = replace(arena, world=replace(world, store=theirs))

    def collect() -> None:
        world.devnet.mine(REORG_DEPTH)
        theirs.collect_garbage()
        ours.collect_garbage()

    with ExitStack() as stack:
        participants = stack.enter_context(arena.participants())
        for participant in participants:
            participant.step()
            collect()
        arena.service(FIRST, ours).step()
        assert arena.round_status is RoundStatus.ATTESTING
        collect()
        for participant in participants:
            participant.step()
            collect()
        arena.service(FIRST, ours).step()

        # The second round: the trainers' node dies with the payloads of three, before anybody else has them.
        for participant in participants[:3]:
            participant.step()
        nodes[0].kill()
        with pytest.raises(StorageUnavailableError, match="no answer from the IPFS node"):
            participants[3].step()
        nodes[0].start()
        nodes[0].connect(nodes[1])
        for participant in participants[3:]:
            participant.step()
        collect()
        service = arena.service(FIRST, ours)
        service.step()
        assert arena.round_status is RoundStatus.ATTESTING

        # Opened payloads are pinned on both sides now. The trainers' node may as well lose all of it.
        payloads = {event.cid for event in arena.events(UpdateSubmitted) if event.round == 1}
        assert len(payloads) == TRAINERS
        assert {str(cid) for cid in payloads} <= set(ours.list_pins()) & set(theirs.list_pins())
        for participant in participants:
            participant.step()
        service.step()
        assert market.get_project(world.project_id).status is ProjectStatus.COMPLETED
        collect()
        assert {participant.step() for participant in participants} == {Stop(StopReason.ENDED)}
        service.step()
    first_round = {str(event.cid) for event in arena.events(UpdateSubmitted) if event.round == 0}
    assert not first_round & set(theirs.list_pins())
    assert not {str(cid) for cid in payloads} & set(ours.list_pins())
    assert arena.world.model().round_index == 2, "a stranger on the trainers' node cannot follow"
