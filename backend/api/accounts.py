"""Trainers and aggregators across projects."""

from fastapi import APIRouter, Response

from backend import queries
from backend.api.answers import BlockRoute, ReaderDep
from backend.api.dependencies import AddressPath, AddressQuery, PageDep
from backend.api.schemas import AggregatorDetail, AggregatorHistory, Page, Payment, TrainerDetail

router = APIRouter(prefix="/v1", tags=["accounts"], route_class=BlockRoute)


@router.get(
    "/trainers/{address}",
    response_model=TrainerDetail,
    summary="A trainer: reputation and its history, stakes, earnings, projects",
)
def get_trainer(read: ReaderDep, page: PageDep, address: AddressPath) -> Response:
    """`limit` bounds the lists of projects and of reputation changes; the newest come first."""
    return read(lambda session: queries.get_trainer(session, address, page.limit))


@router.get("/trainers/{address}/payments", response_model=Page[Payment], summary="Payments, the newest first")
def list_payments(read: ReaderDep, page: PageDep, address: AddressPath) -> Response:
    """What an account earned or was refunded, and what it claimed, with the transaction of each."""
    return read(lambda session: queries.list_payments(session, address, page))


@router.get("/aggregators", response_model=Page[AggregatorDetail], summary="Aggregators, their terms and records")
def list_aggregators(read: ReaderDep, page: PageDep, token: AddressQuery = None) -> Response:
    """One entry for each account and token, whether the offer stands or was taken back."""
    return read(lambda session: queries.list_aggregators(session, token, page))


@router.get(
    "/aggregators/{address}",
    response_model=AggregatorHistory,
    summary="An aggregator: offers, record, stakes and earnings, newest attempts",
)
def get_aggregator(read: ReaderDep, page: PageDep, address: AddressPath) -> Response:
    """`limit` bounds the list of attempts. `/v1/trainers/{address}/payments` lists each fee."""
    return read(lambda session: queries.get_aggregator(session, address, page.limit))
