"""`[[reports]]`: further editions of the morning report."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from wording.language import Language


class ReportEdition(BaseModel):
    """`[[reports]]`: a further edition of the report, `reports/<night>.<language>.html`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    language: Language = Field(description='Its language: "en", "zh" (simplified Chinese) or "zh-Hant" (traditional).')
