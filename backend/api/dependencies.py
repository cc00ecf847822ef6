"""What routes take: validated parameters, a page request, the running services."""

from typing import Annotated

from fastapi import Depends, Path, Query, Request
from pydantic import AfterValidator

from backend.api.schemas import check_address
from backend.paging import MAX_CURSOR, PageRequest
from backend.services import Services

_ADDRESS = "^0x[0-9a-fA-F]{40}$"
_EXAMPLE_ADDRESS = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
_EXAMPLE_ID = "0x" + "5e" * 32

AddressPath = Annotated[
    str,
    Path(pattern=_ADDRESS, description="In lower case, or with its EIP-55 checksum.", examples=[_EXAMPLE_ADDRESS]),
    AfterValidator(check_address),
]
AddressQuery = Annotated[
    str | None,
    Query(pattern=_ADDRESS, examples=[_EXAMPLE_ADDRESS]),
    AfterValidator(lambda text: None if text is None else check_address(text)),
]
ProjectIdPath = Annotated[
    str,
    Path(pattern="^0x[0-9a-fA-F]{64}$", description="A project's id, 32 bytes.", examples=[_EXAMPLE_ID]),
    AfterValidator(str.lower),
]
RoundPath = Annotated[int, Path(ge=0, le=65_535, description="Index of a round, from 0.")]
AttemptQuery = Annotated[int | None, Query(ge=1, le=2**32 - 1, description="One attempt; by default the last.")]


async def get_services(request: Request) -> Services:
    """The application's services."""
    services: Services = request.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(get_services)]


async def get_page_request(
    services: ServicesDep,
    limit: Annotated[int, Query(ge=1, description="Most items; the server may give fewer.")] = 50,
    cursor: Annotated[str | None, Query(max_length=MAX_CURSOR, description="`next` of the page before.")] = None,
) -> PageRequest:
    """Which page, within the server's limit."""
    return PageRequest(min(limit, services.settings.max_page), cursor)


PageDep = Annotated[PageRequest, Depends(get_page_request)]
