"""The server's own process: how it is configured wherever it is started, and what it never loads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from app.db import migrate

LOOK = """
import gc, json, sys
from starlette.testclient import TestClient
from dataclasses import replace
from app import server, settings
with TestClient(server.build(replace(settings.load(), no_auth=True)), base_url="http://localhost") as client:
    from streamlit import config
    names = ("runner.postScriptGC", "server.fileWatcherType", "browser.gatherUsageStats", "client.showErrorDetails",
             "server.trustedUserHeaders")
    print(json.dumps({
        "options": {name: config.get_option(name) for name in names},
        "status": client.get("/healthz").status_code,
        "page": client.get("/").status_code,
        "frozen": gc.get_freeze_count(),
        "heavy": sorted({"torch", "timm", "onnx"} & set(sys.modules)),
    }))
"""


def test_server__started_from_any_folder_is_configured_and_loads_no_torch(tmp_path):
    env = os.environ | {
        "DATA_DIR": str(tmp_path), "DATABASE_URL": "", "BROKER_URL": "",
        "PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONWARNINGS": "default",
    }  # fmt: skip
    migrate.upgrade(f"sqlite:///{tmp_path / 'ssmae.db'}")
    done = subprocess.run([sys.executable, "-c", LOOK], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["options"] == {
        "runner.postScriptGC": False,
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": False,
        "client.showErrorDetails": "none",
        "server.trustedUserHeaders": {"x-ssmae-account": "account"},
    }
    assert (seen["status"], seen["page"], seen["heavy"]) == (200, 200, [])
    assert seen["frozen"] > 50_000
