"""Gate rules at equal evidence: what does each let in, how much of it is wrong, and what does that do to accuracy?

    python -m ssmae.experiments.gates run --pack digits --labels 20 50 100 --evidence 150 --results gates.jsonl
    python -m ssmae.experiments.gates table gates.jsonl

Every rule is given the same training labels and, on top of them, the same validation sample: the bound of
Learn-then-Test (2110.01052), the rule of the SSMAE paper (2601.20072: open while at least 70 % are right of the
validation images that are confident on a weak and a strong view), and no gate at all, which looks at no evidence.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from typing import Any

from ssmae.baselines import Arm
from ssmae.commands.options import whole
from ssmae.config import GateRule, RoundConfig
from ssmae.experiments import command
from ssmae.experiments.cells import Line
from ssmae.experiments.jobs import Job, comparison_jobs
from ssmae.experiments.reading import Experiment
from ssmae.experiments.tables import all_tables


def _rule(title: str, rule: GateRule, **changes: Any) -> Arm:
    def config(base: RoundConfig) -> RoundConfig:
        return replace(base, gate=replace(base.gate, rule=rule, **changes))

    return Arm(title, f"SSMAE with the gate rule {rule}.", config, needs_validation=True)


RULES = {
    str(GateRule.LEARN_THEN_TEST): _rule("Learn then Test", GateRule.LEARN_THEN_TEST),
    str(GateRule.POINT_ESTIMATE): _rule("point estimate", GateRule.POINT_ESTIMATE, views=1),
    str(GateRule.ALWAYS_OPEN): _rule("always open", GateRule.ALWAYS_OPEN),
}
EXPERIMENT = Experiment("gates", f"gate rules {', '.join(RULES)}", lambda cell: cell.arm in RULES)


def jobs(options: argparse.Namespace) -> list[Job]:
    """Every rule at every label count and seed."""
    pack, settings = command.chosen_pack(options)
    return comparison_jobs(pack, settings, RULES, options.labels, options.seeds, evidence=options.evidence)


def table(lines: list[Line]) -> str:
    """Every pack's tables; budgets are labels and evidence together."""
    return all_tables(lines, {key: rule.title for key, rule in RULES.items()}, str(GateRule.LEARN_THEN_TEST))


def main(arguments: list[str] | None = None) -> int:
    """Run or print."""
    top, run = command.parser("gates", __doc__)
    command.add_pack_options(run)
    command.add_labels(run, [20, 50, 100], "training labels")
    run.add_argument("--evidence", type=whole(0), default=150, metavar="N", help="validation answers on top of them")
    return command.main(top, arguments, jobs, table, EXPERIMENT)


if __name__ == "__main__":
    sys.exit(main())
