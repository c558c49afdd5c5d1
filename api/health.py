"""The start page, liveness and readiness."""

from http import HTTPStatus

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.dependencies import container_of
from api.responses import PlainJson
from schemas.common import HealthOut, LinksOut, ReadyOut

router = APIRouter(tags=["operations"])

_LINKS = {
    "documentation": "/docs",
    "openapi": "/openapi.json",
    "health": "/health",
    "ready": "/ready",
    "register": "/auth/users",
    "connect_google": "/auth/google/authorize",
    "slots": "/slots",
    "sync_status": "/sync/status",
}


@router.get("/", operation_id="getLinks", summary="Where to go from here", response_model=LinksOut)
async def links(request: Request) -> Response:
    """The addresses of this service."""
    return PlainJson({"name": request.app.title, "links": {**_LINKS, **container_of(request).links}})


@router.get("/health", operation_id="getHealth", summary="Is the process alive?", response_model=HealthOut)
async def health() -> Response:
    """Answers while the process can answer; asks nobody else."""
    return PlainJson({"status": "ok"})


@router.get(
    "/ready",
    operation_id="getReadiness",
    summary="Can the service do its work?",
    response_model=ReadyOut,
    responses={503: {"description": "A part does not work; `problems` says which.", "model": ReadyOut}},
)
async def ready(request: Request) -> Response:
    """Checks the database, its migrations, the scheduler and the sync worker."""
    failing = await container_of(request).readiness.check()
    if failing:
        body = {"status": "not ready", "problems": failing}
        return PlainJson(body, HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": "5"})
    return PlainJson({"status": "ready", "problems": {}})
