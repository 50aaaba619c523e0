"""Reading bytes as a source with some settings does."""

from typing import Any

import polars as pl

from lake.sources.readers import read_export
from lake.sources.source_settings import FileFormat, SourceSettings

NAME = "orders (landing/x)"


def read(content: bytes | str, file_format: FileFormat = "csv", **settings: Any) -> pl.DataFrame:
    source = SourceSettings.model_validate({"path": "x", **settings})
    raw = content if isinstance(content, bytes) else content.encode()
    return read_export(raw, name=NAME, file_format=file_format, settings=source)
