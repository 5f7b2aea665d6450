"""A campaign: a cluster, its clients, one fault after the other, and four verdicts on it."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, TypeAlias

from conformance.audit.run import audit
from conformance.linearize import check
from examples.kvstore.client import AnsweredNoError, NoAnswerError
from tests.faults.clients import SHARED, Workers
from tests.faults.cluster import Cluster
from tests.faults.faults import FAULTS, NotRefusedError

Verdict: TypeAlias = Literal["conforms", "violation", "inconclusive"]

BOUND: Final = 30.0
"""Seconds within which somebody is served again once a fault is healed.  An election takes a second
or two; the rest is for machines that do other things as well."""


LAST: Final = 1_000_000
"""The process that reads in the end."""


@dataclass(frozen=True, slots=True)
class Options:
    folder: Path
    seconds: float
    seed: int = 1
    servers: int = 3
    clients: int = 4
    faults: tuple[str, ...] = tuple(FAULTS)
    mistake: str | None = None
    least: int = 1
    """So many faults happen, however long that takes."""
    bound: float = BOUND
    hold: tuple[float, float] = (0.3, 2.0)
    pause: float = 0.02
    """Clients wait up to so many seconds between two operations."""


@dataclass(frozen=True, slots=True)
class Struck:
    """One fault that happened."""

    fault: str
    lasted: float
    waited: float
    """Seconds from its end until a write was acknowledged."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What the servers take at some time: each one's memory and data on its disk, in MB."""

    seconds: float
    servers: dict[int, tuple[float, float]]


@dataclass(slots=True)
class Judged:
    """One of the four verdicts."""

    name: str
    verdict: Verdict
    detail: str


@dataclass(slots=True)
class Outcome:
    """What came of a campaign."""

    operations: int = 0
    unknown: int = 0
    elected: int = 0
    terms: int = 0
    spoiled: int = 0
    seconds: float = 0.0
    struck: list[Struck] = field(default_factory=list)
    taken: list[Taken] = field(default_factory=list)
    judged: list[Judged] = field(default_factory=list)

    @property
    def verdict(self) -> Verdict:
        found = {one.verdict for one in self.judged}
        for verdict in ("violation", "inconclusive"):
            if verdict in found:
                return verdict
        return "conforms" if self.judged else "inconclusive"

    def violated(self) -> list[str]:
        return [one.name for one in self.judged if one.verdict == "violation"]


def campaign(options: Options, progress: Callable[[str], None] = lambda said: None) -> Outcome:
    """Run one and judge it.  Takes the seconds asked for, and some to start, settle and judge.

    The folder has all of it afterwards: disks, logs, recordings, the clients' history.
    """
    outcome, started = Outcome(), time.monotonic()
    chance = random.Random(options.seed)
    with Cluster(
        options.folder / "cluster", options.servers, options.seed, options.mistake
    ) as cluster:
        if _time_to_serve(cluster, 2 * options.bound) is None:
            outcome.judged.append(Judged("service", "inconclusive", "it never began"))
            return outcome
        history = options.folder / "history.jsonl"
        workers = cluster.clients(options.clients, history, options.seed, options.pause)
        refused = None
        try:
            until = time.monotonic() + options.seconds
            for name in _shuffled(options.faults, chance):
                if time.monotonic() > until and len(outcome.struck) >= options.least:
                    break
                progress(name)
                outcome.struck.append(_strike(cluster, name, chance, options))
                taken = {server: cluster.sizes(server) for server in cluster.members}
                outcome.taken.append(Taken(time.monotonic() - started, taken))
        except NotRefusedError as error:
            refused = str(error)
        finally:
            workers.stop()
        outcome.terms = max(cluster.status(server).get("term", 0) for server in cluster.members)
        outcome.operations = workers.history.completed
        outcome.unknown = sum(one.unknown for one in workers.clients)
        outcome.spoiled = cluster.links.spoiled
        outcome.judged.append(judged_service(outcome, options.bound, refused))
        outcome.judged.append(_durable(cluster, workers, history, 2 * options.bound))
    outcome.judged.append(judged_history(history))
    outcome.judged.append(_audited(options.folder / "cluster"))
    outcome.elected = _elected(options.folder / "cluster")
    outcome.seconds = time.monotonic() - started
    return outcome


def _shuffled(names: Iterable[str], chance: random.Random) -> Iterable[str]:
    """Each once, in any order, and then again."""
    names = list(names)
    while True:
        chance.shuffle(names)
        yield from names


def _strike(cluster: Cluster, name: str, chance: random.Random, options: Options) -> Struck:
    begun = time.monotonic()
    with FAULTS[name](cluster, chance):
        time.sleep(chance.uniform(*options.hold))
    ended = time.monotonic()
    waited = _time_to_serve(cluster, options.bound)
    return Struck(name, ended - begun, options.bound if waited is None else waited)


def _time_to_serve(cluster: Cluster, patience: float) -> float | None:
    """Seconds until a write of somebody's who begins now is acknowledged; None if it is not."""
    begun = time.monotonic()
    client = cluster.client(timeout=patience)
    try:
        client.put("probe", str(begun))
    except (NoAnswerError, AnsweredNoError):
        return None
    finally:
        client.close()
    return time.monotonic() - begun


# The four verdicts


def judged_service(outcome: Outcome, bound: float, refused: str | None) -> Judged:
    """No client waits longer than a bound after healing."""
    if refused is not None:
        return Judged("service", "violation", refused)
    if not outcome.struck:
        return Judged("service", "inconclusive", "no fault happened")
    longest = max(outcome.struck, key=lambda one: one.waited)
    said = (
        f"{longest.waited:.1f} s at most after a fault, {longest.fault}; {bound:g} s are the bound"
    )
    return Judged("service", "violation" if longest.waited >= bound else "conforms", said)


def _durable(cluster: Cluster, workers: Workers, history: Path, patience: float) -> Judged:
    """No acknowledged write is lost, and all servers hold the same."""
    cluster.start_all()
    client = cluster.client(timeout=patience)
    kept = [key for one in workers.clients for key in one.kept]
    try:
        lost = [key for key in kept if client.get(key) != key.removeprefix("kept-")]
        with history.open("a", encoding="utf-8") as file:
            for key in SHARED:
                event = {"type": "invoke", "process": LAST, "f": "get", "key": key}
                answer = {"type": "ok", "process": LAST, "value": client.get(key)}
                file.write(json.dumps(event) + "\n" + json.dumps(answer) + "\n")
    except NoAnswerError as error:
        return Judged("durable", "inconclusive", f"nobody could look: {error}")
    finally:
        client.close()
    if lost:
        return Judged(
            "durable", "violation", f"{len(lost)} acknowledged writes are lost: {lost[:3]}"
        )
    if not cluster.wait_until_alike(patience):
        states = {s: cluster.status(s).get("digest", "")[:8] for s in cluster.members}
        return Judged("durable", "violation", f"the servers do not come to hold the same: {states}")
    states = cluster.states()
    if len(set(states.values())) != 1 or () in states.values():
        return Judged("durable", "violation", f"servers {sorted(states)} do not hold the same")
    return Judged("durable", "conforms", f"{len(kept)} writes of keys that stay; all servers alike")


def judged_history(history: Path) -> Judged:
    report = check([history])
    (file,) = report.files
    if file.error is not None or not file.operations:
        return Judged("linearizable", "inconclusive", file.error or "no operation")
    said = f"{file.operations} operations, {file.unknown} of unknown outcome"
    if file.unjudged:
        said += f"; budget spent for {file.unjudged}"
    for found in report.violations:
        core = "; ".join(str(one.call) for one in found.explanation.core)
        said += f"; key {found.key}, line {found.explanation.breaks_at}: {core}"
    verdict = file.verdict
    return Judged("linearizable", verdict if verdict != "bad_input" else "inconclusive", said)


def _audited(folder: Path) -> Judged:
    """Each server is judged by the specification, from its first input to its last."""
    report = audit(sorted(folder.glob("*/recording")))
    verdict = report.verdict
    said = f"{report.events} events of {len(list(folder.glob('*/recording')))} servers"
    for one in report.problems[:3]:
        said += f"; {one.property} node {one.node}, seq {one.seq}: {one.detail}"
    said += "".join(f"; {one.error}" for one in report.files if one.error is not None)[:500]
    return Judged("audit", "inconclusive" if verdict == "bad_input" else verdict, said)


def _elected(folder: Path) -> int:
    """How often a server has come to lead, as they recorded it."""
    recorded = folder.glob("*/recording/*.jsonl")
    return sum(file.read_text("utf-8").count('"changed":{"role":"leader"') for file in recorded)
