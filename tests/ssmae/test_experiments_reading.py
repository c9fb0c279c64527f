"""Files of results: what was written comes back, and what is something else is refused, with its place, in one line."""

from __future__ import annotations

import json

import pytest

from ssmae.errors import InvalidData
from ssmae.experiments import cifar, comparison, cpu, gates, resuming
from ssmae.experiments.cells import Cell, Check, Line
from ssmae.experiments.parsing import line_of
from ssmae.experiments.reading import read

MAINS = {"cifar": cifar.main, "comparison": comparison.main, "cpu": cpu.main, "gates": gates.main}
MAINS["resuming"] = resuming.main


@pytest.fixture
def values():
    """A line as JSON: change it, and write it."""
    check = Check(is_open=True, coverage=0.5, threshold=0.9, errors=1, n=60, discards=False)
    made = Line(
        cell=Cell("digits", 1297, 20, 0, "ssmae", 0),
        settings="5e77",
        config="c0f1",
        code="c0de",
        accuracy=0.8,
        test_images=500,
        checks=(check,),
        accepted=0.5,
        wrong=0.25,
        steps=2200,
        seconds=90.0,
        device="cpu",
        threads=1,
        versions={"torch": "2.12"},
        notes=("Only reconstruction was trained.",),
        history=({"phase": "joint", "step": 1, "losses": {"total": 1.5}},),
    )
    return json.loads(made.to_json())


@pytest.fixture
def refusal(tmp_path, capsys):
    """Call it with what stands in a file: what `table` says of it, which `run` says as well."""
    path = tmp_path / "results.jsonl"

    def ask(content, name="comparison"):
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        data = ["--data", str(tmp_path)] * (name in ("cifar", "cpu"))
        said = []
        for arguments in (["table", str(path)], ["run", "--results", str(path), *data]):
            assert MAINS[name](arguments) == 2
            printed = capsys.readouterr()
            assert printed.out == ""
            said.append(printed.err)
        assert said[0] == said[1]
        assert said[0].count("\n") == 1
        return said[0].replace(str(path), "FILE").removeprefix("error: ").strip()

    return ask


def written(*lines):
    return "".join(json.dumps(line) + "\n" for line in lines)


def of(values, **changes):
    """The same line of another cell."""
    return values | {"cell": values["cell"] | changes}


def test_line_of__gives_back_what_was_written(values):
    line = line_of(json.dumps(values))
    assert json.loads(line.to_json()) == values
    assert line_of(line.to_json()) == line
    older = {key: value for key, value in values.items() if key != "audit"}
    assert line_of(json.dumps(older)) == line


@pytest.mark.parametrize(
    ("field", "wrong", "expected"),
    [
        ("accuracy", "x", 'accuracy must be a number from 0 to 1. Got "x".'),
        ("accuracy", float("nan"), "accuracy must be a number from 0 to 1. Got NaN."),
        ("accuracy", 80, "accuracy must be a number from 0 to 1. Got 80."),
        ("accuracy", True, "accuracy must be a number from 0 to 1. Got true."),
        ("wrong", -0.5, "wrong must be a number from 0 to 1, or null. Got -0.5."),
        ("seconds", float("inf"), "seconds must be a number of seconds, at least 0. Got Infinity."),
        ("steps", 10**400, f"steps must be a whole number, at least 0. Got 1{59 * '0'}…."),
        ("steps", 1.5, "steps must be a whole number, at least 0. Got 1.5."),
        ("settings", None, "settings must be a text. Got null."),
        ("notes", "none", 'notes must be a list, each of it a text. Got "none".'),
        ("history", [1], "history must be a list, each of it an object. Got [1]."),
        ("versions", {}, "versions must be an object of texts, with torch among them. Got {}."),
        ("checks", 3, "checks must be a list, each of it an object. Got 3."),
        ("cell", [], "cell must be an object. Got []."),
    ],
)
def test_line_of__refuses_a_value_of_the_wrong_kind(values, field, wrong, expected):
    with pytest.raises(InvalidData) as caught:
        line_of(json.dumps(values | {field: wrong}))
    assert str(caught.value) == expected


def test_line_of__refuses_fields_that_are_missing_or_unknown(values):
    del values["accuracy"]
    with pytest.raises(InvalidData, match=r"^It must have the fields cell, .* Got also points, no accuracy\.$"):
        line_of(json.dumps(values | {"points": 80}))
    with pytest.raises(InvalidData, match=r"^cell must have the fields pack, .* Got no pack, no seed\.$"):
        line_of(
            json.dumps(values | {"accuracy": 0.8, "cell": dict.fromkeys(("images", "budget", "validation", "arm"))})
        )
    with pytest.raises(InvalidData, match=r"^is_open must be true or false. Got 1\.$"):
        line_of(json.dumps(values | {"accuracy": 0.8, "checks": [values["checks"][0] | {"is_open": 1}]}))


@pytest.mark.parametrize("text", ["", "5", "[1, 2]", "null", "garbage", "[" * 100_000, "1" * 5000])
def test_line_of__refuses_what_is_no_object_in_few_words(text):
    with pytest.raises(InvalidData, match=r"^It must be .* JSON, as `run` writes it. Got .{1,200}$"):
        line_of(text)


def test_results__of_a_wrong_value_are_refused_with_file_and_line(values, refusal):
    wrong = of(values, seed=1) | {"accuracy": "x"}
    assert refusal(written(values, wrong)) == 'FILE, line 2: accuracy must be a number from 0 to 1. Got "x".'


def test_results__that_break_off_say_what_to_do(values, refusal):
    said = refusal(written(values) + written(of(values, seed=1))[:50])
    assert said.startswith("FILE, line 2: It must be one whole line of JSON, as `run` writes it. Got {")
    assert said.endswith("goes wrong at character 45. Remove that line: `run` makes the cell again.")


def test_results__that_are_no_text_are_refused(refusal):
    assert refusal(b"{}\nab\xff\xfe\n") == (
        "FILE, line 2: It must be text in UTF-8, as `run` writes it. Got the byte 0xff after 2 others."
    )


def test_results__that_are_a_folder_are_refused(tmp_path, capsys):
    assert comparison.main(["table", str(tmp_path)]) == 2
    assert (
        capsys.readouterr().err == f"error: {tmp_path} must be a file of results, as `run` writes it. Got a folder.\n"
    )
    with pytest.raises(InvalidData, match="Got a folder"):
        read([tmp_path])


def test_results__with_a_cell_twice_name_both_lines(values, refusal):
    assert refusal(written(values, of(values, seed=1), values)) == (
        "FILE, line 3: Every cell must have one result. Got a second one for digits, 20 answers, ssmae, seed 0; "
        "the first is FILE, line 1. Remove one of the two lines."
    )


@pytest.mark.parametrize(
    ("changes", "got"),
    [
        ({"settings": "0ther"}, "settings 5e77 and 0ther"),
        ({"config": "0ther"}, "settings of the arm c0f1 and 0ther"),
    ],
)
def test_results__of_other_settings_name_the_cells(values, refusal, changes, got):
    assert refusal(written(values, of(values, seed=1) | changes)) == (
        "FILE, line 1 (digits, 20 answers, ssmae, seed 0) and FILE, line 2 (digits, 20 answers, ssmae, seed 1) must "
        f"share their settings. Got {got}. Go on with those that began the file, or begin another file."
    )


def test_results__that_divide_a_budget_otherwise_are_refused(values, refusal):
    said = refusal(written(values, of(values, seed=1, validation=5)))
    assert "Got answers for the gate 0 and 5." in said


def test_read__refuses_two_versions_of_the_learner_in_two_files(values, tmp_path):
    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    first.write_text(written(values))
    second.write_text(written(of(values, seed=1) | {"code": "01d"}))
    with pytest.raises(InvalidData, match=r"Got c0de \(.*a\.jsonl, line 1\), 01d \(.*b\.jsonl, line 1\)"):
        read([first, second])


@pytest.mark.parametrize(
    ("arm", "pack", "name"),
    [
        ("ssmae", "digits", "resuming"),
        ("scratch", "digits", "resuming"),
        ("scratch/long", "digits", "resuming"),
        ("ssmae", "digits", "gates"),
        ("ssmae", "digits", "cifar"),
        ("ssmae", "cifar10", "cifar"),  # but of 20 labels, which is no share
        ("last/1", "digits", "comparison"),
        ("learn_then_test", "digits", "cpu"),
    ],
)
def test_results__of_another_experiment_are_refused(values, refusal, arm, pack, name):
    said = refusal(written(of(values, arm=arm, pack=pack)), name)
    assert said.startswith(f"FILE, line 1: It must be a cell of the experiment '{name}': ")
    assert said.endswith(f". Got {pack}, 20 answers, {arm}, seed 0.")


@pytest.mark.parametrize("name", MAINS)
def test_table__of_nothing_is_refused(tmp_path, capsys, name):
    empty = tmp_path / "empty.jsonl"
    empty.touch()
    assert MAINS[name](["table", str(empty)]) == 2
    assert capsys.readouterr().err == f"error: {empty} must hold results: `run` writes them. Got no line.\n"
