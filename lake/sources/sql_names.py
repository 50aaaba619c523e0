"""The names of Polars SQL that a source's expression may use: functions of one row, types and operators.

A function is allowed if its value depends only on its arguments; functions that need other rows or the clock are listed to be
refused with a clear message.
"""

from __future__ import annotations

from typing import Final

FUNCTIONS: Final[dict[str, tuple[str, ...]]] = {
    "Text": (
        "BIT_LENGTH", "CHARACTER_LENGTH", "CHAR_LENGTH", "CONCAT", "CONCAT_WS", "ENDS_WITH", "INITCAP", "LEFT", "LENGTH", "LOWER",
        "LPAD", "LTRIM", "NORMALIZE", "OCTET_LENGTH", "POSITION", "REGEXP_LIKE", "REGEXP_REPLACE", "REPLACE", "REVERSE", "RIGHT",
        "RPAD", "RTRIM", "SPLIT_PART", "STARTS_WITH", "STRPOS", "SUBSTR", "SUBSTRING", "TRIM", "UPPER",
    ),
    "Choice": ("COALESCE", "GREATEST", "IF", "IFNULL", "LEAST", "NULLIF"),
    "Numbers": (
        "ABS", "BIT_AND", "BIT_COUNT", "BIT_NOT", "BIT_OR", "BIT_XOR", "CBRT", "CEIL", "CEILING", "DIV", "ERF", "ERFC", "EXP",
        "FLOOR", "LN", "LOG", "LOG10", "LOG1P", "LOG2", "MOD", "PI", "POW", "POWER", "ROUND", "SIGN", "SQRT", "TRUNC", "TRUNCATE",
    ),
    "Angles": (
        "ACOS", "ACOSD", "ASIN", "ASIND", "ATAN", "ATAN2", "ATAN2D", "ATAND", "COS", "COSD", "COT", "COTD", "DEGREES", "RADIANS",
        "SIN", "SIND", "TAN", "TAND",
    ),
    "Dates and times": (
        "DATE", "DATETIME", "DATE_PART", "DATE_TRUNC", "DAY", "DAYOFMONTH", "DAYOFWEEK", "DAYOFYEAR", "EXTRACT", "HOUR", "MINUTE",
        "MONTH", "QUARTER", "SECOND", "STRFTIME", "STRPTIME", "TIME", "TIMESTAMP", "WEEK", "YEAR",
    ),
    "Lists": (
        "ARRAY_CONTAINS", "ARRAY_DOT_PRODUCT", "ARRAY_GET", "ARRAY_INNER_PRODUCT", "ARRAY_LENGTH", "ARRAY_LOWER", "ARRAY_MEAN",
        "ARRAY_REVERSE", "ARRAY_SUM", "ARRAY_TO_STRING", "ARRAY_UNIQUE", "ARRAY_UPPER", "STRING_TO_ARRAY",
    ),
    "Types": ("CAST", "TRY_CAST", "SAFE_CAST"),
}  # fmt: skip
ALLOWED_FUNCTIONS: Final = frozenset(name for names in FUNCTIONS.values() for name in names)

AGGREGATE_FUNCTIONS: Final = frozenset({
    "ANY_VALUE", "APPROX_COUNT_DISTINCT", "APPROX_QUANTILE", "ARRAY_AGG", "AVG", "BOOL_AND", "BOOL_OR", "CORR", "COUNT",
    "COVAR", "COVAR_POP", "COVAR_SAMP", "CUME_DIST", "DENSE_RANK", "FIRST", "FIRST_VALUE", "GROUPING", "LAG", "LAST",
    "LAST_VALUE", "LEAD", "MAX", "MEAN", "MEDIAN", "MIN", "MODE", "NTH_VALUE", "NTILE", "PERCENT_RANK", "QUANTILE_CONT",
    "QUANTILE_DISC", "RANK", "ROW_NUMBER", "STDDEV", "STDDEV_SAMP", "STDEV", "STDEV_SAMP", "STRING_AGG", "SUM", "UNNEST",
    "VAR", "VARIANCE", "VAR_SAMP",
})  # fmt: skip
CLOCK_FUNCTIONS: Final = frozenset({"CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP", "LOCALTIME", "LOCALTIMESTAMP", "NOW"})

TYPES: Final[dict[str, tuple[str, ...]]] = {
    "text": ("CHAR", "STRING", "TEXT", "UUID", "VARCHAR"),
    "whole numbers": (
        "BIGINT", "INT", "INT1", "INT2", "INT4", "INT8", "INTEGER", "MEDIUMINT", "SMALLINT", "TINYINT", "UINT", "UINT1", "UINT2",
        "UINT4", "UINT8",
    ),
    "numbers with a fraction": ("DEC", "DECIMAL", "DOUBLE", "FLOAT", "FLOAT4", "FLOAT8", "NUMERIC", "REAL"),
    "yes or no": ("BOOL", "BOOLEAN"),
    "dates and times": ("DATE", "DATETIME", "INTERVAL", "TIME", "TIMESTAMP"),
    "bytes": ("BINARY", "BLOB", "BYTEA", "BYTES", "VARBINARY"),
}  # fmt: skip
ALLOWED_TYPES: Final = frozenset(name for names in TYPES.values() for name in names)
# Polars computes in the type of its operands: 9 hours as Int8 times 60 would wrap around to 28. So casts are to 64 bits only.
WIDE_TYPES: Final = dict.fromkeys(
    ("INT", "INT1", "INT2", "INT4", "INTEGER", "MEDIUMINT", "SMALLINT", "TINYINT", "UINT", "UINT1", "UINT2", "UINT4"), "BIGINT"
) | dict.fromkeys(("FLOAT", "FLOAT4", "REAL"), "DOUBLE")
NARROW_FUNCTIONS: Final = frozenset({
    "ARRAY_LENGTH", "BIT_COUNT", "BIT_LENGTH", "CHARACTER_LENGTH", "CHAR_LENGTH", "DAY", "DAYOFMONTH", "DAYOFWEEK", "DAYOFYEAR",
    "HOUR", "LENGTH", "MINUTE", "MONTH", "OCTET_LENGTH", "POSITION", "QUARTER", "SECOND", "STRPOS", "WEEK", "YEAR",
})  # fmt: skip
JSON_TYPES: Final = frozenset({"JSON", "JSONB"})

OPERATORS: Final = frozenset({
    "+", "-", "*", "/", "//", "%", "||", "=", "==", "<>", "!=", "<", ">", "<=", ">=", "<=>", "&", "|", "~", "~*", "!~",
    "!~*", "~~", "!~~", "~~*", "!~~*", "^@", "AND", "OR", "XOR", "LIKE", "ILIKE", "RLIKE", "REGEXP",
})  # fmt: skip
LITERAL_TYPES: Final = frozenset({"DATE", "TIME", "TIMESTAMP", "DATETIME", "INTERVAL"})
UNITS: Final = frozenset({"YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND", "MILLISECOND", "MICROSECOND"})
PARTS: Final = UNITS | frozenset({
    "CENTURY", "DAYOFWEEK", "DAYOFYEAR", "DECADE", "DOW", "DOY", "EPOCH", "ISODOW", "ISOWEEK", "ISOYEAR", "MICROSECONDS",
    "MILLENNIUM", "MILLISECONDS", "NANOSECOND", "NANOSECONDS", "TIME",
})  # fmt: skip
NARROW_PARTS: Final = frozenset({
    "CENTURY", "DAY", "DAYOFWEEK", "DAYOFYEAR", "DECADE", "DOW", "DOY", "HOUR", "ISODOW", "ISOWEEK", "ISOYEAR", "MILLENNIUM",
    "MINUTE", "MONTH", "QUARTER", "SECOND", "WEEK", "YEAR",
})  # fmt: skip
NORMAL_FORMS: Final = frozenset({"NFC", "NFD", "NFKC", "NFKD"})
