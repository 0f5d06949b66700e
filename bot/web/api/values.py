"""What requests and answers are made of: texts that can be kept, ids, pages."""

from __future__ import annotations

from datetime import time
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, WithJsonSchema

#: What PostgreSQL keeps in no text is NUL.
_KEPT: Final = r"^[^\x00]*$"
#: Above what a row's id can be.
MOST_ID: Final = 2**63 - 1

Text = Annotated[str, StringConstraints(max_length=200, pattern=_KEPT)]
LongText = Annotated[str, StringConstraints(max_length=5000, pattern=_KEPT)]
Code = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=_KEPT)]
Id = Annotated[int, Field(ge=1, le=MOST_ID)]
Limit = Annotated[int, Field(ge=1, le=100, description="Lines of a page, at most")]
#: An hour of the wall clock. JSON Schema's format "time" would have an offset.
Hour = Annotated[time, WithJsonSchema({"type": "string", "pattern": r"^\d{2}:\d{2}:\d{2}", "examples": ["08:00:00"]})]
Next = Annotated[str | None, Field(description="The `cursor` of the next page; null on the last one")]


class Asked(BaseModel):
    """What comes in: nothing beside what is known."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Told(BaseModel):
    """What goes out."""

    model_config = ConfigDict(extra="forbid", frozen=True, from_attributes=True)
