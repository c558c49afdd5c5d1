"""Several changes of slots in one request."""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, ConfigDict, Field, ValidationError, ValidatorFunctionWrapHandler
from pydantic.functional_validators import WrapValidator

from schemas.common import Documented, ProblemOut
from schemas.slot_input import Notify, SlotPatch, SlotWrite
from schemas.slot_schemas import SLOT_EXAMPLE, SlotOut
from schemas.texts import storable
from services.core.scopes import EditScope

LARGEST_BATCH = 100

_ID = "019a2c3f-7e5a-7cc1-9d7b-3a1f6c0b52d4"
_EXAMPLE: dict[str, Any] = {
    "items": [
        {
            "action": "create",
            "slot": {
                "title": "Review with Ada",
                "start": "2026-07-01T10:00:00+02:00",
                "end": "2026-07-01T10:45:00+02:00",
                "timezone": "Europe/Paris",
            },
        },
        {"action": "update", "id": _ID, "if_match": '"7"', "slot": {"title": "Moved review"}},
        {"action": "delete", "id": f"{_ID}_20260302T080000Z", "scope": "following"},
    ]
}
_RESULTS_EXAMPLE: dict[str, Any] = {
    "results": [
        {"status": 201, "slot": SLOT_EXAMPLE, "problem": None},
        {
            "status": 404,
            "slot": None,
            "problem": {
                "type": "https://calendar-sync.example/problems/not-found",
                "title": "Not found",
                "status": 404,
                "detail": "There is nothing here under this id.",
                "instance": "019a2c40-5cf1-7a43-b09d-4c0f8f8f3b10",
            },
        },
    ]
}

ShortText = Annotated[str, Field(max_length=200), AfterValidator(storable)]


class _Item(Documented):
    model_config = ConfigDict(extra="forbid")


class CreateItem(_Item):
    """What `POST /slots` does."""

    action: Literal["create"]
    """Create a slot."""
    slot: SlotWrite
    """The whole slot."""


class _Addressed(_Item):
    id: ShortText
    """The `id` of a slot, or the one that `expand=true` gave an instance of a series."""
    instance: ShortText | None = None
    """The original start of the instance that is meant, where `id` is that of its series."""
    scope: EditScope | None = None
    """How much of a series is meant; the instance that is named, or else all of it."""
    if_match: ShortText | None = None
    """The `ETag` of the version that the change was made from; 412 when the slot moved on."""


class ReplaceItem(_Addressed):
    """What `PUT /slots/{slot_id}` does."""

    action: Literal["replace"]
    """Replace the writable fields of a slot."""
    slot: SlotWrite
    """All writable fields; those that are omitted take their default."""


class UpdateItem(_Addressed):
    """What `PATCH /slots/{slot_id}` does."""

    action: Literal["update"]
    """Change fields of a slot."""
    slot: SlotPatch
    """A JSON merge patch."""


class DeleteItem(_Addressed):
    """What `DELETE /slots/{slot_id}` does."""

    action: Literal["delete"]
    """Delete a slot."""
    notify: Notify = "none"
    """Whom Google mails about it."""


class UnreadableItem:
    """Stands in the place of an item that is not valid: the others are carried out all the same."""

    def __init__(self, error: ValidationError) -> None:
        self.errors = error.errors(include_url=False, include_context=False, include_input=False)


def _held(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    try:
        return read(value)
    except ValidationError as error:
        return UnreadableItem(error)


ReadableItem: TypeAlias = CreateItem | ReplaceItem | UpdateItem | DeleteItem
BatchItem = Annotated[ReadableItem, Field(discriminator="action")]


class BatchIn(Documented):
    """Up to a hundred changes, carried out in their order."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    items: list[Annotated[BatchItem, WrapValidator(_held)]] = Field(min_length=1, max_length=LARGEST_BATCH)
    """Each is a request of its own: what is wrong with one does not keep the others from being done."""


class BatchResultOut(Documented):
    """What became of one item."""

    model_config = ConfigDict(extra="forbid")

    status: int
    """The HTTP status that the item would have had as a request of its own."""
    slot: SlotOut | None
    """The slot as it is now; `null` where the item failed."""
    problem: ProblemOut | None
    """Why it failed, with pointers into the batch; `null` where it did not."""


class BatchOut(Documented):
    """What became of the items."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_RESULTS_EXAMPLE]})

    results: list[BatchResultOut]
    """One for each item, in their order."""
