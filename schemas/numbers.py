"""Numbers as clients may send them."""

from typing import Annotated, Any

from pydantic import BeforeValidator, StrictInt


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


WholeNumber = Annotated[StrictInt, BeforeValidator(_whole)]
"""An integer; also `10.0`, which is one in JSON (JSON Schema 2020-12, validation, section 6.1.1)."""
