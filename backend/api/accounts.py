"""Trainers and aggregators across projects."""

from fastapi import APIRouter

from backend import queries
from backend.api.answers import BlockRoute
from backend.api.dependencies import AddressPath, AddressQuery, PageDep, SessionDep
from backend.api.schemas import AggregatorDetail, AggregatorHistory, Page, Payment, TrainerDetail
from backend.paging import PageOf

router = APIRouter(prefix="/v1", tags=["accounts"], route_class=BlockRoute)


@router.get("/trainers/{address}", summary="A trainer: reputation and its history, stakes, earnings, projects")
def get_trainer(session: SessionDep, page: PageDep, address: AddressPath) -> TrainerDetail:
    """`limit` bounds the lists of projects and of reputation changes; the newest come first."""
    return queries.get_trainer(session, address, page.limit)


@router.get("/trainers/{address}/payments", response_model=Page[Payment], summary="Payments, the newest first")
def list_payments(session: SessionDep, page: PageDep, address: AddressPath) -> PageOf[Payment]:
    """What an account earned or was refunded, and what it claimed, with the transaction of each."""
    return queries.list_payments(session, address, page)


@router.get("/aggregators", response_model=Page[AggregatorDetail], summary="Aggregators, their terms and records")
def list_aggregators(session: SessionDep, page: PageDep, token: AddressQuery = None) -> PageOf[AggregatorDetail]:
    """One entry for each account and token, whether the offer stands or was taken back."""
    return queries.list_aggregators(session, token, page)


@router.get("/aggregators/{address}", summary="An aggregator: offers, record, stakes and earnings, newest attempts")
def get_aggregator(session: SessionDep, page: PageDep, address: AddressPath) -> AggregatorHistory:
    """`limit` bounds the list of attempts. `/v1/trainers/{address}/payments` lists each fee."""
    return queries.get_aggregator(session, address, page.limit)
