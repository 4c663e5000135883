"""The shapes that the tables of plugins.toml share."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=64)]


class Strict(BaseModel):
    """A table that holds the keys of its class and no other."""

    model_config = ConfigDict(extra="forbid", frozen=True)
