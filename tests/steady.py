"""An annotator without a browser: holds images ahead as the labeller does, and keeps answers until acknowledged."""

from __future__ import annotations

import json
import random
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from app.services.queues import MOST_HELD

_RETRY_SECONDS = 0.1
_AHEAD = 24
_MOST_SENT = 10


@dataclass
class Steady:
    """Answers one image after the other, whatever happens to the server.

    Attributes:
        a_second: answers a second, on average.
        batch: how many answers are sent together, at least.
        looks: whether the images are fetched too.
        accepted: every answer that was given, by uid: (image, class).
        acknowledged: uids that the server said it has.
        surprises: what the server may never answer.
        takes: milliseconds of each question for images.
        saves: milliseconds of each batch of answers.
    """

    project_id: int
    annotator_id: int
    class_ids: list[int]
    a_second: float = 20.0
    batch: int = 1
    looks: bool = False
    queue: str = "selection"
    accepted: dict[str, tuple[int, int]] = field(default_factory=dict)
    acknowledged: set[str] = field(default_factory=set)
    surprises: list[str] = field(default_factory=list)
    takes: list[float] = field(default_factory=list)
    saves: list[float] = field(default_factory=list)
    _outbox: list[dict[str, Any]] = field(default_factory=list)
    _held: list[int] = field(default_factory=list)
    _tab: str = field(default_factory=lambda: str(uuid.uuid4()))

    def work(self, url: str, stop: threading.Event) -> None:
        """Answer until told to stop or until nothing is left, then wait until everything is acknowledged."""
        chance = random.Random(self.annotator_id)
        while not stop.is_set() and self._hold(url):
            image_id, class_id, uid = self._held.pop(0), chance.choice(self.class_ids), str(uuid.uuid4())
            if self.looks:
                self._look(f"{url}/img/{image_id}")
            stop.wait(chance.uniform(0.5, 1.5) / self.a_second)
            self.accepted[uid] = image_id, class_id
            answer = {"image_id": image_id, "action": "label", "class_id": class_id, "queue": self.queue}
            self._outbox.append({"uid": uid, "seconds": 0.1, **answer})
            if len(self._outbox) >= self.batch:
                self._send(url)
        while self._outbox:
            self._send(url)

    def _hold(self, url: str) -> bool:
        """Whether there is an image to answer; asks for more before the last one is reached."""
        address = f"{url}/api/projects/{self.project_id}/queues/{self.queue}/take"
        while len(self._held) < _AHEAD // 2:
            held = [*self._held, *(one["image_id"] for one in self._outbox)]
            want = min(MOST_HELD, _AHEAD + len(self._outbox))
            body = {"annotator_id": self.annotator_id, "tab": self._tab, "n": want, "held": held}
            taken = self._post(address, body, self.takes)
            if taken is None:
                if self._held:
                    return True
                time.sleep(_RETRY_SECONDS)
                continue
            kept, answered = set(taken["kept"]), {image_id for image_id, _ in self.accepted.values()}
            self._held = [one for one in self._held if one in kept]
            # What was answered and not acknowledged yet is no longer wanted, whatever the server knows.
            self._held += [one["id"] for one in taken["images"] if one["id"] not in answered]
            if self._held or not (taken["images"] or self._outbox):
                break
            self._send(url)
        return bool(self._held)

    def _send(self, url: str) -> None:
        batch = self._outbox[:_MOST_SENT]
        body = {"annotator_id": self.annotator_id, "items": batch}
        done = self._post(f"{url}/api/annotations", body, self.saves)
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

    def _post(self, address: str, body: object, times: list[float]) -> dict[str, Any] | None:
        """The answer, or None if there was none: the server was away, or could not."""
        asked = urllib.request.Request(address, json.dumps(body).encode(), {"Content-Type": "application/json"})
        begun = time.perf_counter()
        content = self._ask(asked)
        times.append(1000 * (time.perf_counter() - begun))
        if content is None:
            return None
        found: dict[str, Any] = json.loads(content)
        return found

    def _look(self, address: str) -> None:
        self._ask(urllib.request.Request(address))

    def _ask(self, asked: urllib.request.Request) -> bytes | None:
        try:
            with urllib.request.urlopen(asked, timeout=30) as reply:
                content: bytes = reply.read()
                return content
        except urllib.error.HTTPError as error:
            if error.code < 500:
                self.surprises.append(f"{error.code} {error.read()[:200]!r}")
        except OSError:
            pass
        return None


@contextmanager
def answering(people: Sequence[Steady], url: str) -> Iterator[None]:
    """They label while the block runs; afterwards everything of theirs is acknowledged."""
    stop = threading.Event()
    threads = [threading.Thread(target=one.work, args=(url, stop), daemon=True) for one in people]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
    for thread in threads:
        thread.join(timeout=120)
        assert not thread.is_alive(), "answers are still unsent"
