"""Annotators without a browser: they hold, look at and answer images over HTTP, as the labeller does."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Person:
    """One of them: answers at a human pace until told to stop. Times are in milliseconds."""

    port: int
    project_id: int
    annotator_id: int
    class_ids: list[int]
    queue: str = "selection"
    a_second: float = 2.0
    ahead: int = 24
    takes: list[float] = field(default_factory=list)
    saves: list[float] = field(default_factory=list)
    answered: list[int] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    def work(self, stop: threading.Event) -> None:
        """Label until `stop`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        chance, tab = random.Random(self.annotator_id), str(uuid.uuid4())
        held: list[int] = []
        outbox: list[dict[str, Any]] = []
        while not stop.is_set():
            if len(held) < self.ahead // 2:
                address = f"/api/projects/{self.project_id}/queues/{self.queue}/take"
                body = {"annotator_id": self.annotator_id, "tab": tab, "n": self.ahead, "held": held}
                taken = self._post(connection, address, body, self.takes)
                held += [one["id"] for one in taken.get("images", [])]
                if not held:
                    break
            image_id = held.pop(0)
            connection.request("GET", f"/img/{image_id}")
            if (reply := connection.getresponse()).status != 200:
                self.troubles.append(f"image {image_id}: {reply.status}")
            reply.read()
            stop.wait(chance.uniform(0.5, 1.5) / self.a_second)
            uid = str(uuid.uuid4())
            outbox.append(
                {
                    "uid": uid, "image_id": image_id, "action": "label", "class_id": chance.choice(self.class_ids),
                    "queue": self.queue, "seconds": 0.5,
                }
            )  # fmt: skip
            if len(outbox) >= 3:
                body = {"annotator_id": self.annotator_id, "items": outbox}
                done = self._post(connection, "/api/annotations", body, self.saves)
                for result in done.get("results", []):
                    if result["status"] == "saved":
                        self.answered.append(result["image_id"])
                    else:
                        self.troubles.append(str(result))
                outbox = []
        connection.close()

    def _post(
        self, connection: http.client.HTTPConnection, address: str, body: object, times: list[float]
    ) -> dict[str, Any]:
        begun = time.perf_counter()
        connection.request("POST", address, json.dumps(body), {"Content-Type": "application/json"})
        reply = connection.getresponse()
        content = reply.read()
        times.append(1000 * (time.perf_counter() - begun))
        if reply.status != 200:
            self.troubles.append(f"{address}: {reply.status} {content[:200]!r}")
            return {}
        found: dict[str, Any] = json.loads(content)
        return found


@contextmanager
def working(people: list[Person]) -> Iterator[None]:
    """They label while the block runs."""
    stop = threading.Event()
    threads = [threading.Thread(target=one.work, args=(stop,)) for one in people]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
