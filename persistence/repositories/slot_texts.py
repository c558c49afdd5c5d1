"""The texts of a slot as they are stored and searched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from persistence.types import without_nul
from services.core.frozen import replace
from services.core.slots import SlotContent

if TYPE_CHECKING:
    from services.core.records import Slot

# Between the fields, so that no search finds the end of one and the beginning of the next.
_FIELD_END = "\x1f"


def search_text(content: SlotContent) -> str:
    """What a search looks through."""
    return f"{content.title}{_FIELD_END}{content.description}{_FIELD_END}{content.location}".casefold()


def cleaned(slot: Slot) -> Slot:
    """The slot without NUL characters in its texts.

    The API lets none in, but Google may have some, and PostgreSQL does not take them. What is stored as
    JSON may keep them.
    """
    base, sent = slot.base, slot.sent
    content = _cleaned_content(slot.content)
    if base is not None:
        base = content if base is slot.content else _cleaned_content(base)
    if isinstance(sent, SlotContent):
        sent = _cleaned_content(sent)
    if content is slot.content and base is slot.base and sent is slot.sent:
        return slot
    return replace(slot, content=content, base=base, sent=sent)


def _cleaned_content(content: SlotContent) -> SlotContent:
    if "\0" in content.title or "\0" in content.description or "\0" in content.location:
        return replace(
            content,
            title=without_nul(content.title),
            description=without_nul(content.description),
            location=without_nul(content.location),
        )
    return content
