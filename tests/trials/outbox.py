"""An annotator without a browser, with an outbox like the browser's: answers stay in it until acknowledged."""

from __future__ import annotations

import json
import random
import threading
import time
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass, field
from typing import Any

_RETRY_SECONDS = 0.1


@dataclass
class Steady:
    """Answers one image after the other, whatever happens to the server.

    Attributes:
        accepted: every answer that was given, by uid: (image, class).
        acknowledged: uids that the server said it has.
        surprises: what the server may never answer.
    """

    project_id: int
    annotator_id: int
    class_ids: list[int]
    a_second: float = 20.0
    queue: str = "selection"
    accepted: dict[str, tuple[int, int]] = field(default_factory=dict)
    acknowledged: set[str] = field(default_factory=set)
    surprises: list[str] = field(default_factory=list)
    _outbox: list[dict[str, Any]] = field(default_factory=list)
    _held: list[int] = field(default_factory=list)
    _tab: str = field(default_factory=lambda: str(uuid.uuid4()))

    def work(self, url: str, stop: threading.Event) -> None:
        """Answer until told to stop or until nothing is left, then wait until everything is acknowledged."""
        chance = random.Random(self.annotator_id)
        while not stop.is_set() and self._hold(url):
            image_id, class_id, uid = self._held.pop(0), chance.choice(self.class_ids), str(uuid.uuid4())
            self.accepted[uid] = image_id, class_id
            answer = {"image_id": image_id, "action": "label", "class_id": class_id, "queue": self.queue}
            self._outbox.append({"uid": uid, "seconds": 0.1, **answer})
            self._send(url)
            stop.wait(1 / self.a_second)
        while self._outbox:
            self._send(url)

    def _hold(self, url: str) -> bool:
        seen = {image_id for image_id, _ in self.accepted.values()}
        while not self._held:
            address = f"{url}/api/projects/{self.project_id}/queues/{self.queue}/take"
            taken = self._post(address, {"annotator_id": self.annotator_id, "tab": self._tab, "n": 24, "held": []})
            if taken is None:
                time.sleep(_RETRY_SECONDS)
                continue
            # What is answered and not sent yet is no longer held, as far as this tab knows.
            self._held = [one["id"] for one in taken["images"] if one["id"] not in seen]
            if not taken["images"] and not self._outbox:
                return False
            if not self._held:
                self._send(url)
        return True

    def _send(self, url: str) -> None:
        batch = self._outbox[:10]
        done = self._post(f"{url}/api/annotations", {"annotator_id": self.annotator_id, "items": batch})
        if done is None:
            time.sleep(_RETRY_SECONDS)
            return
        for result in done["results"]:
            if result["status"] in {"saved", "replayed"}:
                self.acknowledged.add(result["uid"])
            elif result["status"] == "refused":
                self.surprises.append(str(result))
        kept = {one["uid"] for one in done["results"] if one["status"] == "failed"}
        self._outbox = [one for one in batch if one["uid"] in kept] + self._outbox[len(batch) :]

    def _post(self, address: str, body: object) -> dict[str, Any] | None:
        """The answer, or None if there was none: the server was away, or could not."""
        asked = urllib.request.Request(address, json.dumps(body).encode(), {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(asked, timeout=30) as reply:
                found: dict[str, Any] = json.load(reply)
                return found
        except urllib.error.HTTPError as error:
            if error.code < 500:
                self.surprises.append(f"{error.code} {error.read()[:200]!r}")
            return None
        except (OSError, ValueError):
            return None
