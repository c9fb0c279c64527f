"""Tables from results that were made by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ssmae.config import GateConfig
from ssmae.errors import InvalidData
from ssmae.experiments import cifar, comparison, resuming_tables
from ssmae.experiments.cells import Cell, Check, Line, audited
from ssmae.experiments.paired import Lead, Verdict, lead
from ssmae.experiments.tables import all_tables

TITLES = {"supervised": "supervised", "fixmatch": "FixMatch", "ssmae": "SSMAE"}


def line(arm="ssmae", accuracy=0.8, *, budget=20, seed=0, pack="digits", images=1000, validation=0, **changes):
    made = Line(
        cell=Cell(pack, images, budget, validation, arm, seed),
        settings="5e77",
        config=arm,
        code="c0de",
        accuracy=accuracy,
        test_images=500,
        checks=(),
        accepted=0.0,
        wrong=None,
        steps=2200,
        seconds=90.0,
        device="cpu",
        threads=1,
        versions={"torch": "2.12"},
        notes=(),
        history=({"phase": "joint", "step": 1, "losses": {"total": 1.5}},),
    )
    return replace(made, **changes)


def rows(text):
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in text.splitlines() if row.startswith("|")]


def test_audited__counts_answers_until_the_error_is_proven():
    gate = GateConfig(alpha=0.1, delta=0.05)
    # 0.9 ** n <= 0.05 from n = 29 on; betting on a rate of 0.02 each right answer gives 0.98 / 0.9: 36 of them.
    assert audited(np.zeros(400, np.bool_), gate, seed=0) == 36
    assert audited(np.arange(400) % 5 == 0, gate, seed=0) is None
    assert audited(np.zeros(0, np.bool_), gate, seed=0) is None


def test_table__gives_mean_and_standard_deviation_over_seeds_and_marks_the_best():
    # 80, 82, 87: mean 83, deviations -3, -1, 4, squares 26, over 2: 13, root 3.6. 70, 74, 78: 74 ± 4.
    lines = [line("ssmae", a, seed=s) for s, a in enumerate((0.80, 0.82, 0.87))]
    lines += [line("supervised", a, seed=s, seconds=30.0) for s, a in enumerate((0.70, 0.74, 0.78))]
    lines += [line("ssmae", 0.9, budget=50, seed=s) for s in range(2)]
    head, _, supervised, ssmae, *_ = rows(all_tables(lines, TITLES, "ssmae"))
    assert head == ["arm", "20 labels", "50 labels", "minutes a run"]
    assert supervised == ["supervised", "74.0 ± 4.0", "not yet run", "0.5"]
    assert ssmae == ["SSMAE", "**83.0 ± 3.6**", "**90.0 ± 0.0** (n = 2)", "1.5"]


def test_table__says_what_it_was_measured_on():
    text = all_tables([line(seed=seed) for seed in range(2)], TITLES, "ssmae")
    assert "### digits" in text
    for fact in ("2 seeds", "test images: 500", "training images: 1,000", "steps a run: 2,200", "device: cpu"):
        assert fact in text
    for fact in ("threads: 1", "torch 2.12", "2 runs in 3 min", "settings 5e77", "code c0de"):
        assert fact in text


def known_lead(ours, theirs):
    found = lead(ours, theirs)
    assert found is not None
    return found


def test_lead__is_the_paired_mean_and_its_t_interval():
    # +1, +2, +3: mean 2, deviation 1, and t with 2 degrees of freedom is 4.303: 2 ± 4.303 / root 3 = 2 ± 2.484.
    found = known_lead({0: 0.81, 1: 0.82, 2: 0.83, 7: 0.1}, {0: 0.8, 1: 0.8, 2: 0.8, 8: 0.9})
    assert found.interval == pytest.approx((-0.484, 4.484), abs=1e-3)
    assert found.text == "+2.0 (-0.5 to +4.5)"
    assert found.verdict is Verdict.NOT_TOLD_APART


@pytest.mark.parametrize("seeds", [2, 3, 10])
def test_lead__agrees_with_scipy(seeds):
    from scipy.stats import t

    ours, theirs = np.random.default_rng(seeds).random((2, seeds))
    differences = 100 * (ours - theirs)
    expected = t.interval(0.95, seeds - 1, differences.mean(), differences.std(ddof=1) / np.sqrt(seeds))
    assert known_lead(dict(enumerate(ours)), dict(enumerate(theirs))).interval == pytest.approx(expected)


@pytest.mark.parametrize(
    ("interval", "verdict"),
    [
        ((0.1, 2.0), Verdict.AHEAD),
        ((-2.0, -0.1), Verdict.BEHIND),
        ((0.0, 2.0), Verdict.NOT_TOLD_APART),
        (None, None),
    ],
)
def test_lead__is_claimed_only_where_the_interval_leaves_out_nought(interval, verdict):
    assert Lead(1.0, interval).verdict is verdict


def test_lead__of_one_seed_or_of_equal_differences_claims_nothing():
    assert known_lead({0: 0.82}, {0: 0.8}).text == "+2.0"
    assert known_lead({0: 0.82, 1: 0.92}, {0: 0.8, 1: 0.9}).text == "+2.0"
    assert lead({0: 0.82}, {1: 0.8}) is None


def test_table__says_what_the_leader_is_ahead_of_and_what_cannot_be_told():
    # SSMAE minus supervised: +10, +11, +12, so 11 ± 2.5. Minus FixMatch: -2, 0, +5, so 1 ± 9.
    lines = [line("ssmae", a, seed=s) for s, a in enumerate((0.80, 0.81, 0.82))]
    lines += [line("supervised", 0.70, seed=s) for s in range(3)]
    lines += [line("fixmatch", a, seed=s) for s, a in enumerate((0.82, 0.81, 0.77))]
    text = all_tables(lines, TITLES, "ssmae")
    assert ["supervised", "+11.0 (+8.5 to +13.5)"] in rows(text)
    assert ["FixMatch", "+1.0 (-8.0 to +10.0)"] in rows(text)
    assert "SSMAE is at 20 labels ahead of “supervised”, not told apart from “FixMatch”." in text
    assert "95 % t-interval" in text
    assert "nothing corrects for there being many columns" in text
    turned = all_tables(lines, TITLES, "supervised")
    assert "supervised is at 20 labels behind every other arm." in turned


def test_table__says_once_what_holds_of_every_arm():
    lines = [line("ssmae", 0.80 + s / 100, seed=s) for s in range(3)]
    lines += [line(arm, 0.70, seed=s) for s in range(3) for arm in ("supervised", "fixmatch")]
    assert "SSMAE is at 20 labels ahead of every other arm." in all_tables(lines, TITLES, "ssmae")


def test_table__of_one_seed_shows_differences_and_claims_nothing():
    text = all_tables([line("ssmae", 0.8), line("supervised", 0.7)], TITLES, "ssmae")
    assert ["supervised", "+10.0"] in rows(text)
    assert "SSMAE is" not in text
    assert "Accuracy in %, one seed, with its own labels" in text


def test_table__repeats_what_a_round_had_to_say():
    lines = [line(seed=0, notes=("Only reconstruction was trained.",)), line(seed=1)]
    assert "Note: Only reconstruction was trained." in all_tables(lines, TITLES, "ssmae")


def test_table__shows_what_the_gate_let_in_and_the_worst_of_it():
    shut = Check(is_open=False, coverage=0.0, threshold=None, errors=9, n=50, discards=True)
    opened = Check(is_open=True, coverage=0.6, threshold=0.9, errors=1, n=50, discards=False)
    lines = [
        line(seed=0, budget=300, validation=84, checks=(shut, opened), accepted=0.6, wrong=0.02, audit=60),
        line(seed=1, budget=300, validation=84, checks=(shut, opened), accepted=0.6, wrong=0.06),
        line(seed=2, budget=300, validation=84, checks=(opened, shut), accepted=0.0, wrong=None),
    ]
    lines += [line("supervised", 0.5, budget=300, seed=seed, checks=(shut,)) for seed in range(3)]
    lines += [line(seed=seed, checks=(shut,)) for seed in range(3)]
    text = all_tables(lines, TITLES, "ssmae")
    assert rows(text)[-2][0] == "---"  # arms and budgets without evidence could not have opened
    assert rows(text)[-1] == [
        "SSMAE",
        "300 labels",
        "84",
        "2 of 3",
        "40.0 %",
        "4.0 %",
        "6.0 %",
        "1 of 2, after 60 answers",
    ]


def test_table__names_labels_and_evidence_apart_where_every_arm_has_both():
    text = all_tables([line(budget=170, validation=150)], TITLES, "ssmae")
    assert rows(text)[0] == ["arm", "20 labels + 150", "minutes a run"]


def test_comparison_table__keeps_packs_and_parts_of_packs_apart():
    text = comparison.table([line(), line(pack="fashion12000"), line(pack="fashion12000", images=400)])
    assert text.count("### ") == 3


def test_cifar_table__shows_what_is_to_be_beaten_and_what_was_not_run():
    lines = [line("ssmae", 0.8, pack="cifar10", images=50000, budget=500)]
    lines += [line("ssmae", 0.5, pack="cifar100", images=50000, budget=2500)]
    table = rows(cifar.table(lines))
    blank = "not yet run"
    assert table[0][1:4] == ["CIFAR-10, 1 %", "CIFAR-10, 5 %", "CIFAR-10, 10 %"]
    assert ["SSMAE", "**80.0**", blank, blank, blank, "**50.0**", blank, "1.5"] in table
    assert ["FixMatch", *[blank] * 6, ""] in table
    assert [row[1:7] for row in table if row[0].startswith("to beat")] == [["78.9", "86.4", "–", "49.6", "64.3", "–"]]
    assert [row[1:7] for row in table if "2601.20072" in row[0]] == [["–", "–", "56.8", "–", "–", "22.65"]]


def test_cifar_table__can_be_printed_before_anything_was_run():
    assert ["SSMAE", *["not yet run"] * 6, ""] in rows(cifar.table([]))


def test_resuming_table__gives_the_shortest_schedule_that_reaches_a_start_from_scratch():
    lines = [line("scratch/1", 0.5, budget=20), line("scratch/1", 0.9, budget=50, seconds=70.0)]
    lines += [line("last/1", 0.93, budget=50, steps=1000, seconds=35.0)]
    lines += [line("last/0.5", 0.9, budget=50, steps=500, seconds=18.0)]
    lines += [line("last/0.25", 0.85, budget=50, steps=250, seconds=9.0)]
    lines += [line("shrink_40/1", 0.89, budget=50, steps=1000)]
    table = rows(resuming_tables.reach_table(lines))
    assert table[0] == ["start", "50 labels"]
    assert ["last weights", "500 steps, 18 s"] in table
    assert ["0.4 last + 0.1 fresh", "not reached"] in table
    assert ["from scratch", "2200 steps, 70 s"] in table


def test_resuming_table__compares_over_the_seeds_that_every_arm_has():
    # Over seed 0 alone the last weights reach 90 %; with seed 1, which scratch has not, they would not.
    lines = [line("scratch/1", 0.5, budget=20), line("scratch/1", 0.9, budget=50)]
    lines += [line("last/1", 0.9, budget=50, steps=1000), line("last/1", 0.7, budget=50, steps=1000, seed=1)]
    lines += [line("scratch/1", 0.8, budget=100, seed=seed) for seed in (0, 1)]
    lines += [line("last/1", 0.7, budget=100, seed=seed) for seed in (0, 1)]
    text = resuming_tables.reach_table(lines)
    assert ["last weights", "1000 steps, 90 s", "not reached"] in rows(text)
    assert "the seeds that every start and length of the column has: at 50 labels 0; at 100 labels 0, 1." in text


def test_resuming_table__keeps_packs_apart_and_can_be_of_one_budget():
    text = resuming_tables.table([line("scratch/1"), line("last/1", 0.9), line("scratch/1", 0.1, pack="fashion12000")])
    assert text.count("### ") == 2
    assert ["last weights", "**90.0**", "1.5"] in rows(text)
    assert "from scratch" in text
    assert "Fewest steps" not in text


def test_cifar_table__refuses_toy_results_among_others():
    lines = [line(pack="cifar10", images=50000, budget=500), line(pack="cifar10", images=2600, budget=26)]
    with pytest.raises(InvalidData, match=r"cifar10 must be of one number of training images. Got \[2600, 50000\]"):
        cifar.table(lines)
