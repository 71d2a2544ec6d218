"""What the package holds beside its code."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np

import sage_cuda_mailbox
from sage_cuda_mailbox import BroadcastMailbox

FOLDER = Path(sage_cuda_mailbox.__file__).parent


def stub() -> ast.Module:
    return ast.parse((FOLDER / "_native.pyi").read_text(encoding="utf-8"))


def test_the_types_of_all_that_is_public_are_told() -> None:
    assert (FOLDER / "py.typed").is_file()
    told = {node.name for node in stub().body if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
    assert told == set(sage_cuda_mailbox.__all__)


def test_types_are_those_of_python() -> None:
    names = {node.id for node in ast.walk(stub()) if isinstance(node, ast.Name)}
    texts = {
        node.value
        for function in ast.walk(stub())
        if isinstance(function, ast.FunctionDef)
        for annotation in (
            function.returns,
            *(argument.annotation for argument in function.args.args),
        )
        if annotation is not None
        for node in ast.walk(annotation)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert {"int", "bytes", "bool"} <= names
    assert [text for text in texts if "::" in text] == []


def test_all_that_is_public_is_documented() -> None:
    for name in sage_cuda_mailbox.__all__:
        assert getattr(sage_cuda_mailbox, name).__doc__, name


def test_records_of_one_array_are_those_of_many_objects(name: str) -> None:
    with BroadcastMailbox.create(name) as mailbox:
        writer, one, many = mailbox.writer(), mailbox.reader(), mailbox.reader()
        for number in range(10):
            writer.push(bytes([number]) * number, number, -number)
        array = many.pop_many(7)
        assert array.dtype.itemsize == 64
        assert len(array) == 7
        for row in np.concatenate([array, many.pop_many(7)]):
            record = one.pop()
            assert record is not None
            assert row["payload"][: row["length"]].tobytes() == record.payload
            assert (row["type"], row["stamp_ns"]) == (record.type, record.stamp_ns)
        assert len(many.pop_many(7)) == 0
        assert (
            repr(record) == "Record(sequence=9, type=9, producer=0, stamp_ns=-9, payload=<9 bytes>)"
        )
