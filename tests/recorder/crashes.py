"""Three servers in processes, each killed at random moments and brought up again.

python -m tests.recorder.crashes FOLDER KILLS [SEED]
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

from tests.recorder.server import SEGMENT

ROOT = Path(__file__).parents[2]
FAR = 10**9


class Servers:
    """`kills`: how many times a server dies in all.  Everything is drawn from `seed`."""

    def __init__(
        self,
        folder: Path,
        seed: int,
        kills: int,
        fault: str = "none",
        segment: int = SEGMENT,
        lives: int = 400,
    ) -> None:
        self.folder, self.random, self.kills, self.fault = folder, Random(seed), kills, fault
        self.segment = segment
        self.lives = lives
        self.killed = 0
        self.network: list[tuple[int, Any]] = []
        self.processes: dict[int, subprocess.Popen[str]] = {}
        for node in range(3):
            self.up(node)

    def up(self, node: int) -> None:
        """Bring a server up; it may die as it comes up, and is then brought up again."""
        while True:
            dies = FAR if self.killed >= self.kills else self.random.randint(1, self.lives)
            how = self.random.choice(("before", "within", "after"))
            given = (str(self.folder), str(node), str(dies), how, self.fault, str(self.segment))
            self.processes[node] = subprocess.Popen(
                [sys.executable, "-m", "tests.recorder.server", *given],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=ROOT,
            )
            if self.answer(node):
                return

    def answer(self, node: int) -> bool:
        """What it sends is under way; False if it has died."""
        process = self.processes[node]
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            code = process.wait()
            assert code == -9, f"node {node} ended with {code}"
            process.communicate()
            self.killed += 1
            return False
        self.network += json.loads(line)
        return True

    def give(self, node: int, **given: Any) -> None:
        process = self.processes[node]
        assert process.stdin is not None
        process.stdin.write(json.dumps(given) + "\n")
        process.stdin.flush()
        if not self.answer(node):
            self.up(node)

    def deliver(self, most: int) -> None:
        """In any order; a few are lost."""
        for _ in range(most):
            if not self.network:
                return
            to, message = self.network.pop(self.random.randrange(min(3, len(self.network))))
            if self.random.random() > 0.02:
                self.give(to, input="message", message=message)
        self.network.clear()

    def run(self) -> None:
        """Until all kills are over, and some rounds more."""
        self.give(0, input="found", voters=[0, 1, 2])
        self.deliver(50)
        more = 10
        while more:
            more -= self.killed >= self.kills
            if self.random.random() < 0.1:
                self.give(self.random.randrange(3), input="timeout")
            for node in range(3):
                self.give(node, input="propose", commands=self.random.randint(1, 3))
            self.deliver(60)

    def stop(self) -> None:
        for process in self.processes.values():
            process.communicate()


if __name__ == "__main__":
    servers = Servers(Path(sys.argv[1]), int((sys.argv[3:] or ["0"])[0]), int(sys.argv[2]))
    servers.run()
    servers.stop()
    print(f"{servers.killed} kills")
