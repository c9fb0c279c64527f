"""`python -m ssmae --help` comes at once and says everything; `knobs` lists what `--set` takes."""

from __future__ import annotations

import argparse
import subprocess
import sys

import pytest

from ssmae.__main__ import main, parser
from ssmae.config import Preset, changed, every_setting, parse_overrides, preset_config


def commands():
    (action,) = (one for one in parser()._actions if isinstance(one, argparse._SubParsersAction))
    return action.choices


def test_parser__is_built_without_torch():
    program = "import sys, ssmae.__main__ as main; main.parser(); print(sorted({'torch', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("name", sorted(commands()))
def test_help__every_option_says_what_it_is_and_what_it_is_without(name):
    formatter = commands()[name]._get_formatter()
    for action in commands()[name]._actions:
        assert action.help, action.dest
        if action.option_strings and "--help" not in action.option_strings:
            shown = formatter._get_help_string(action)
            assert "default" in shown or action.required, action.dest


def test_help__says_that_the_preset_is_a_matter_of_time(capsys):
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["train", "--help"])
    assert "quick takes minutes on a CPU" in " ".join(capsys.readouterr().out.split())


def test_knobs__lists_every_setting_as_set_takes_it(capsys):
    assert main(["knobs", "--preset", "standard", "--image-side", "28"]) == 0
    lines = capsys.readouterr().out.splitlines()
    expected = preset_config(Preset.STANDARD, 28)
    assert changed(expected, parse_overrides(line.split()[0] for line in lines)) == expected
    for line, (name, value, text) in zip(lines, every_setting(expected), strict=True):
        assert line.startswith(f"{name}={value} ")
        assert line.endswith(text)
