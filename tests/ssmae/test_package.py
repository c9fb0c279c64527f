"""What importing the package does to the process."""

from __future__ import annotations

import os
import subprocess
import sys


def test_package__makes_waiting_threads_sleep_before_torch_is_loaded() -> None:
    """Spinning threads cost a small network on a busy machine a factor of twenty."""
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    script = "import sys, ssmae, os; print(os.environ['OMP_WAIT_POLICY'], 'torch' in sys.modules)"

    said = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)

    assert said.stdout.split() == ["PASSIVE", "False"]


def test_package__leaves_the_users_own_choice_alone() -> None:
    script = "import ssmae, os; print(os.environ['OMP_WAIT_POLICY'])"

    said = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"OMP_WAIT_POLICY": "ACTIVE"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert said.stdout.strip() == "ACTIVE"
