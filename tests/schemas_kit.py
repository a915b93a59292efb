"""The published JSON Schemas: what we write for others is held to them."""

from __future__ import annotations

import json
from functools import cache

from jsonschema import Draft202012Validator
from kit import ROOT

FOLDER = ROOT / "docs" / "schemas"


@cache
def validator(name: str) -> Draft202012Validator:
    schema = json.loads((FOLDER / f"{name}.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def errors(name: str, text: str) -> list[str]:
    """What is wrong with a JSON text, in words; nothing where it is what the schema says."""
    return [f"{error.json_path}: {error.message}" for error in validator(name).iter_errors(json.loads(text))]
