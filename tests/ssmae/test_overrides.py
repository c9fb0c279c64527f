"""Changes to settings hold only what differs, and can be written as text."""

import pytest

from ssmae.config import (
    Masking,
    Preset,
    RoundConfig,
    changed,
    differences,
    every_setting,
    merged,
    parse_overrides,
    preset_config,
)
from ssmae.config.overrides import setting_of
from ssmae.errors import InvalidConfig

BASE = preset_config(Preset.QUICK, 8)


def test_differences__hold_only_what_is_not_as_in_the_base():
    plain = BASE.to_dict()
    one = differences(plain, merged(plain, {"gate": {"alpha": 0.2}, "threads": 3}))
    assert one == {"gate": {"alpha": 0.2}, "threads": 3}
    assert differences(plain, merged(plain, one, {"gate": {"alpha": BASE.gate.alpha}})) == {"threads": 3}
    assert differences(plain, plain) == {}


def test_merged__the_last_layer_wins_and_nothing_given_is_changed():
    base, layer = {"gate": {"alpha": 0.1, "views": 2}}, {"gate": {"alpha": 0.2}}
    assert merged(base, layer, {"gate": {"alpha": 0.3}}) == {"gate": {"alpha": 0.3, "views": 2}}
    assert (base, layer) == ({"gate": {"alpha": 0.1, "views": 2}}, {"gate": {"alpha": 0.2}})


def test_changed__looks_at_the_settings_after_the_last_layer():
    # 8 is no multiple of 3, but of the 2 that the next layer sets.
    assert changed(BASE, {"model": {"patch_size": 3}}, {"model": {"patch_size": 2}}).model.patch_size == 2
    with pytest.raises(InvalidConfig, match="divisor of image_size"):
        changed(BASE, {"model": {"patch_size": 3}})


def test_parse_overrides__gives_values_of_the_types_of_the_fields():
    texts = ["schedule.joint_steps=800", "augment.flip = Yes", "loss.masking=grid", "gate.alpha=1", "device=cpu"]
    assert parse_overrides(texts) == {
        "schedule": {"joint_steps": 800},
        "augment": {"flip": True},
        "loss": {"masking": Masking.GRID},
        "gate": {"alpha": 1.0},
        "device": "cpu",
    }


def test_parse_overrides__reads_every_setting_as_it_is_printed():
    printed = [f"{name}={value}" for name, value, _ in every_setting(BASE)]
    assert changed(RoundConfig(), parse_overrides(printed)) == BASE


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "loss.mask=1",
            r"--set: there is no loss.mask; did you mean loss.masking\? `ssmae round knobs` lists them all\.",
        ),
        ("joint_steps=1", r"--set: there is no joint_steps; did you mean schedule.joint_steps\?"),
        ("loss=1", r"--set: there is no loss; `ssmae round knobs` lists every setting\."),
        ("threads", r"--set must be SECTION.FIELD=VALUE. Got 'threads'."),
        ("gate.alpha.more=1", r"--set: there is no gate.alpha.more; did you mean gate.alpha\?"),
        ("gate.views=many", r"--set gate.views must be a whole number. Got 'many'"),
        ("gate.alpha=few", r"--set gate.alpha must be a number. Got 'few'"),
        ("augment.flip=maybe", r"--set augment.flip must be true or false. Got 'maybe'"),
        ("loss.masking=odd", r"--set loss.masking must be one of random, grid. Got 'odd'"),
    ],
)
def test_parse_overrides__refuses_with_what_was_expected(text, sentence):
    with pytest.raises(InvalidConfig, match=sentence):
        parse_overrides([text])


def test_parse_overrides__names_the_command_that_lists_every_setting_for_its_program():
    with pytest.raises(InvalidConfig, match="`python -m ssmae knobs` lists"):
        parse_overrides(["loss.mask=1"], "python -m ssmae knobs")


def test_setting_of__is_what_set_takes_for_every_setting():
    named = [setting_of(f"{type(BASE).__name__}.threads"), setting_of("ScheduleConfig.joint_steps")]
    assert named == ["threads", "schedule.joint_steps"]
    assert [setting_of(other) for other in ("--set", "RoundConfig", "check")] == ["--set", "RoundConfig", "check"]
