"""The learner as a reference: who may see what, by type; and docstrings that say shapes and sources."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import typing
from dataclasses import fields, is_dataclass

import pytest

import ssmae
from ssmae.data import ImageStore, RoundData
from ssmae.experiments.packs import Pack
from ssmae.learner import Learner
from ssmae.trainer import train_round

EVERY_MODULE = sorted(
    one.name
    for one in pkgutil.walk_packages(ssmae.__path__, "ssmae.")
    if not one.ispkg and one.name != "ssmae.__main__"
)
MODULES = [name for name in EVERY_MODULE if not name.startswith("ssmae.experiments")]
SHAPED = re.compile(r"\b[a-z]\w*_[A-Z][A-Z0-9]*\b")
SAYS_A_SHAPE = re.compile(
    r"\((?:[A-Z]|\d+),(?: (?:[A-Z]|\d+),?)*\)|\bshapes? \([^()]*,[^()]*\)|\b(scalar|same shape|see `)"
)
"""Brackets such as (B, C) or shape (count,), or in words; a name that carries its dimensions does it as well."""
NOT_OF_WHAT_IT_RETURNS = ("Args:", "Raises:", "Source:")
ARRAYS = re.compile(r"(?<!dict\[str, )\b(torch\.Tensor|NDArray|FloatArray|Vectors|Floats|Scores|Indices)")

AROUND_THE_METHOD = ("ssmae.bench.", "ssmae.commands.", "ssmae.config.", "ssmae.experiments.", "ssmae.pictures.")
"""What measures, runs, configures and draws the method."""
NOTHING_CALCULATED = {
    "ssmae.acquisition.reasons": "sentences",
    "ssmae.checkpoint": "writes and reads files",
    "ssmae.data": "holds, checks and divides what a round is given",
    "ssmae.decoding": "reads files; Pillow makes them pixels",
    "ssmae.export": "writes files, and reads them back",
    "ssmae.images": "brings pixels to a device",
    "ssmae.loading": "reads many files",
    "ssmae.midway": "writes and reads files, and compares what they belong to",
    "ssmae.recording": "keeps curves, speed and progress",
    "ssmae.results": "holds what a round leaves behind",
    "ssmae.streams": "brings the next images to a device",
    "ssmae.tensor_file": "writes and reads files",
    "ssmae.acquisition.request.given": "checks",
    "ssmae.acquisition.request.whole_numbers": "checks, and changes the type",
    "ssmae.augment.to_float": "changes the type",
    "ssmae.inference.batch_for": "bounds the memory",
    "ssmae.inference.batches": "bounds the memory",
    "ssmae.inference.placed": "brings a model to a device and back",
    "ssmae.proposals.Proposals.none": "is empty",
    "ssmae.readouts.readout.Readout.accuracy": "counts",
    "ssmae.readouts.readout.Readout.of": "counts",
}
"""Modules and functions that are no part of the method, and what they do instead."""
PLAIN_RESULT = re.compile(r"int|bool")
SAYS_A_SOURCE = re.compile(r"Source: (own; \w|.*?(\d{4}\.\d{5}|\b(18|19|20)\d\d\b))", re.DOTALL)
"""An arXiv number or a year, or that it is our own, and why."""


def test_test_split__cannot_be_handed_to_anything_that_trains():
    """What trains takes a `RoundData`, whose every array is the stream's or the validation sample's."""
    assert {field.name for field in fields(RoundData)} == {
        "images",
        "labels_N",
        "validation_index_V",
        "validation_labels_V",
        "class_names",
        "in_frame_N",
    }
    for trains in (train_round, Learner):
        hints = typing.get_type_hints(trains if inspect.isfunction(trains) else trains.__init__)
        takes_images = {name for name, hint in hints.items() if "Image" in str(hint) or "RoundData" in str(hint)}
        assert takes_images == {"data"}
    images = typing.get_type_hints(RoundData)["images"]
    assert images is ImageStore
    assert not issubclass(typing.get_type_hints(Pack)["test"], images)


def public_functions(module):
    for name, thing in vars(module).items():
        if not name.startswith("_") and inspect.isfunction(thing) and thing.__module__ == module.__name__:
            yield name, thing


@pytest.mark.parametrize("name", MODULES)
def test_public_functions__name_the_dimensions_of_their_arrays(name):
    """Arrays carry their dimensions in their names; the module, or the docstring, says what the letters stand for."""
    module = importlib.import_module(name)
    for function_name, function in public_functions(module):
        assert function.__doc__, function_name
        letters = {letter for part in inspect.signature(function).parameters for letter in SHAPED.findall(part)}
        explained = "Dimensions:" in (module.__doc__ or "") or "shape" in function.__doc__.lower()
        assert not letters or explained, f"{name}.{function_name} has {sorted(letters)} and says of no dimension"


def public_methods(module):
    for name, thing in vars(module).items():
        if not name.startswith("_") and inspect.isclass(thing) and thing.__module__ == module.__name__:
            for method_name, member in vars(thing).items():
                method = getattr(member, "fget", None) or getattr(member, "__func__", member)
                if not method_name.startswith("_") and inspect.isfunction(method):
                    yield f"{name}.{method_name}", method


@pytest.mark.parametrize("name", EVERY_MODULE)
def test_public_functions_and_methods__say_the_shape_of_what_they_return(name):
    """In words, or by a name that carries its dimensions; that of an argument is not that of the result."""
    module = importlib.import_module(name)
    for function_name, function in [*public_functions(module), *public_methods(module)]:
        if ARRAYS.search(str(inspect.signature(function).return_annotation)):
            parts = (inspect.getdoc(function) or "").split("\n\n")
            text = "\n".join(part for part in parts if not part.startswith(NOT_OF_WHAT_IT_RETURNS))
            names = set(SHAPED.findall(text)) - set(inspect.signature(function).parameters)
            said = SAYS_A_SHAPE.search(text) or names or SHAPED.search(function_name)
            assert said, f"{name}.{function_name} returns an array and says of no shape"


OF_THE_METHOD = [name for name in EVERY_MODULE if not name.startswith(AROUND_THE_METHOD)]


@pytest.fixture(scope="module")
def calculates():
    """Finds, in a name and its signature, arrays, what has arrays for fields, networks, losses and real numbers."""
    holders = {"SSMAE", "Losses"}
    for name in OF_THE_METHOD:
        for class_name, thing in vars(importlib.import_module(name)).items():
            if is_dataclass(thing) and any(ARRAYS.search(str(field.type)) for field in fields(thing)):
                holders.add(class_name)
    return re.compile(rf"{ARRAYS.pattern}|\bfloat\b|Evidence\b|\b({'|'.join(sorted(holders))})\b")


def does_no_part(module, function_name, function):
    """Checks and refusals, sentences, promises of a protocol, getters: told apart without a list."""
    owner_name, _, method_name = function_name.rpartition(".")
    result = str(inspect.signature(function).return_annotation)
    if (method_name or function_name).startswith(("check_", "checked_")) or result == "str":
        return True
    if not owner_name:
        return False
    owner = getattr(module, owner_name)
    is_property = isinstance(inspect.getattr_static(owner, method_name), property)
    return getattr(owner, "_is_protocol", False) or (is_property and PLAIN_RESULT.fullmatch(result))


def without_source(name, calculates):
    """Full names of what calculates and says neither in its docstring nor, if a method, in its class's where from."""
    module = importlib.import_module(name)
    for function_name, function in [*public_functions(module), *public_methods(module)]:
        if does_no_part(module, function_name, function):
            continue
        owner = getattr(module, function_name.rpartition(".")[0], None)
        texts = [thing.__doc__ or "" for thing in (function, owner) if thing is not None]
        says = any(SAYS_A_SOURCE.search(text) for text in texts)
        if not says and calculates.search(f"{function_name} {inspect.signature(function)}"):
            yield f"{name}.{function_name}"


@pytest.mark.parametrize("name", [name for name in OF_THE_METHOD if name not in NOTHING_CALCULATED])
def test_method__says_where_every_part_of_it_is_from(name, calculates):
    """By default everything has to; what need not is in the list, or told apart by a rule."""
    assert [part for part in without_source(name, calculates) if part not in NOTHING_CALCULATED] == []


def test_exceptions__are_all_needed(calculates):
    """One that is not would hide what is written under its name later."""
    parts = {part: name for name in OF_THE_METHOD for part in without_source(name, calculates)}
    assert set(NOTHING_CALCULATED) - set(parts) - set(parts.values()) == set()
