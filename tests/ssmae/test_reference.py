"""The learner as a reference: who may see what, by type; and docstrings that say shapes and sources."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import typing
from dataclasses import fields

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
SHAPED = re.compile(r"_[A-Z][A-Z0-9]*\b")
SAYS_A_SHAPE = re.compile(r"shape|scalar|Returns:|; see `|\([A-Z0-9, ]+\)")
ARRAYS = re.compile(r"(?<!dict\[str, )\b(torch\.Tensor|NDArray|FloatArray|Vectors|Floats|Scores|Indices)")

OF_THE_METHOD = re.compile(
    r"ssmae\.((gate|metrics|readouts)\.\w+|acquisition\.(scores|selection|strategies)|augment|clustering|colours|losses|masking|model|schedule|teacher"
    r"|warping|weighting)"
)
PLUMBING = {"ssmae.gate.rules", "ssmae.gate.wording", "ssmae.metrics.checks"}
PLUMBING |= {"Readout.accuracy", "Readout.of", "to_float"}
CALCULATES = re.compile(ARRAYS.pattern + r"|\bfloat\b|Evidence\b")
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
    """In words, or by a name that carries its dimensions."""
    module = importlib.import_module(name)
    for function_name, function in [*public_functions(module), *public_methods(module)]:
        if ARRAYS.search(str(inspect.signature(function).return_annotation)):
            text = function.__doc__ or ""
            said = SAYS_A_SHAPE.search(text) or SHAPED.search(text) or SHAPED.search(function_name)
            assert said, f"{name}.{function_name} returns an array and says of no shape"


@pytest.mark.parametrize("name", [name for name in MODULES if OF_THE_METHOD.fullmatch(name) and name not in PLUMBING])
def test_method__says_where_every_part_of_it_is_from(name):
    """What takes or returns an array, a real number or evidence does a part of it, unless it only checks."""
    module = importlib.import_module(name)
    for function_name, function in [*public_functions(module), *public_methods(module)]:
        is_part = CALCULATES.search(str(inspect.signature(function))) and not function_name.startswith("check_")
        if is_part and function_name not in PLUMBING:
            assert SAYS_A_SOURCE.search(function.__doc__ or ""), f"{name}.{function_name} names no source"
