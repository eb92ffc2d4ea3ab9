"""One table in each format: as the catalog describes it, and as its file."""

from __future__ import annotations

import io
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

COLUMNS = {"id": "int", "name": "string", "amount": "decimal(10,2)", "day": "date"}
SERDES = {
    "csv": "org.apache.hadoop.hive.serde2.OpenCSVSerde",
    "text": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
    "json": "org.openx.data.jsonserde.JsonSerDe",
    "parquet": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
}
ROWS = [("1", 'An "a"', "1.50", "2026-11-25"), ("2", "Bö, b", None, None)]


def described(name: str, kind: str, columns: dict[str, str] = COLUMNS, options: dict[str, str] | None = None) -> dict[str, Any]:
    """A table as the catalog describes it, with its files under s3://lake/<name>/."""
    return {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "StorageDescriptor": {
            "Columns": [{"Name": column, "Type": of} for column, of in columns.items()],
            "Location": f"s3://lake/{name}/",
            "SerdeInfo": {"SerializationLibrary": SERDES[kind], "Parameters": options or {}},
        },
        "Parameters": {},
        "PartitionKeys": [],
    }


def parquet(**columns: list[Any]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


FILES: dict[str, tuple[dict[str, Any], bytes]] = {
    "csv": (described("orders", "csv"), b'1,"An ""a""",1.50,2026-11-25\n2,"B\xc3\xb6, b",,\n'),
    "text": (described("orders", "text", options={"field.delim": "\t"}), b'1\tAn "a"\t1.50\t2026-11-25\n2\tB\xc3\xb6, b\t\\N\t\\N\n'),
    "json": (
        described("orders", "json"),
        b'{"ID": 1, "name": "An \\"a\\"", "amount": 1.50, "day": "2026-11-25"}\n\n{"name": "B\xc3\xb6, b", "id": 2, "more": []}\n',
    ),
    "parquet": (
        described("orders", "parquet"),
        parquet(Name=['An "a"', "Bö, b"], id=[1, 2], amount=[Decimal("1.50"), None], day=pa.array(["2026-11-25", None]).cast(pa.date32())),
    ),
}
