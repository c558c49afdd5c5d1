"""Texts as clients may send them."""

from typing import Annotated

from pydantic import AfterValidator


def storable(text: str) -> str:
    """The text, if every database and Google can hold it.

    Raises:
        ValueError: It holds NUL or half a surrogate pair.
    """
    if "\x00" in text:
        raise ValueError("must not hold the NUL character")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("must be valid Unicode") from None
    return text


Storable = Annotated[str, AfterValidator(storable)]
