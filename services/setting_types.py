"""Types of settings that are checked as they are read."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode

from services.web_addresses import (
    split_list,
    valid_base_url,
    valid_hosts,
    valid_networks,
    valid_origins,
    valid_url,
)

BaseUrl = Annotated[str, AfterValidator(valid_base_url)]
Url = Annotated[str, AfterValidator(valid_url)]
Origins = Annotated[
    tuple[str, ...], NoDecode, BeforeValidator(split_list), AfterValidator(valid_origins), Field(repr=True)
]
Hosts = Annotated[tuple[str, ...], NoDecode, BeforeValidator(split_list), AfterValidator(valid_hosts)]
Networks = Annotated[tuple[str, ...], NoDecode, BeforeValidator(split_list), AfterValidator(valid_networks)]
