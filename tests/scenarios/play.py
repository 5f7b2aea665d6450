"""Narrated scenarios: a story in comments, commands, and what comes of them.

    python -m tests.scenarios.play [--rewrite] [FILE...]

runs files, all of them if none is named, and tells what comes of the commands as `conformance show`
does.  A file is a list of blocks, with empty lines between them:

    # What happens, for people.
    command
    command
    ----
    what came of them

The commands; N is a server, and whatever it is told is followed by a drain:

    cluster COUNT               so many servers start; this or the next comes first
    begin COUNT [VOTERS]        so many, of which 0 leads all, or the first few; only logs are told
    found N VOTERS...           N founds a cluster
    timeout N, heartbeat N      its timer runs out; it is to show that it leads
    command N                   it is to append a command
    members N OLD... [-> NEW...] [+ NON-VOTERS...]
    step-down N, transfer N TO, cancel N
    timeout-now N TERM          the leader of that term wants it to campaign
    snapshot N                  it has a snapshot of all that it knows to be committed
    deliver N TO [KEEP]         the oldest message between two; of its entries so many are left
    exchange N TO               that, and the oldest answer
    deliver all                 until nothing is under way to a server that is up
    lose N TO, lose all, repeat N TO
    crash N [DONE], restart N   in the drain that it owes, after so many actions but for timers
    hold COMMAND                no drain follows; `drain N` is one
    quiet                       nothing of the block is told up to here
    logs                        each server's log; | ends what it knows to be committed
    read N, confirmed N         the leader takes a read (§8); whether it still led when it took it
    status N tTiI               what it knows of a proposal
    pre-vote N                  who would elect it (dissertation, §9.6)
    disruptive N FROM           whether a driver may drop what is under way (§6)
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from conformance.observe.recorded import Recorder
from conformance.observe.show import show
from conformance.show import words
from conformance.show.put_together import put_together
from conformance.show.text import lines
from conformance.simulation.lockstep import Lockstep
from conformance.simulation.run import Run
from conformance.subjects.asking.asked import ALL
from conformance.subjects.asking.questions import Asked
from spec import cluster as c
from spec import values as v
from spec.pending import NOTHING

HERE = Path(__file__).parent
ASKED = {question.name: question for question in ALL}

Make = Callable[[int, Recorder], Run]
"""What plays: the specified cluster alone, or with a subject in lockstep."""


@dataclass
class Block:
    """Comments, commands, and what came of them."""

    comments: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    output: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = list(self.comments)
        if self.commands:
            lines += [*self.commands, "----", *self.output]
        return "\n".join(lines) + "\n"


def parse(text: str) -> list[Block]:
    """The blocks of a file; one of comments alone is a block too."""
    blocks = []
    for part in re.split(r"\n\n+", text.strip("\n")):
        block, told = Block(), False
        for line in part.split("\n"):
            if told:
                block.output.append(line)
            elif line == "----":
                told = True
            elif line.startswith("#"):
                block.comments.append(line)
            else:
                block.commands.append(line)
        blocks.append(block)
    return blocks


def play(text: str, make: Make) -> str:
    """The same file with what comes of its commands now."""
    return "\n".join(str(told.block) for told in perform(text, make).told)


def perform(text: str, make: Make) -> Player:
    """All blocks of a file, one after another."""
    player = Player(make)
    for block in parse(text):
        player.perform(block)
    player.write()
    return player


class Told(NamedTuple):
    """A block, and what came of it: the records after the first so many, up to the last, and what
    is told besides, after how many.
    """

    block: Block
    first: int
    last: int
    said: list[tuple[int, str]]


class Player:
    def __init__(self, make: Make) -> None:
        self.make = make
        self.recorder = Recorder()
        self.run: Any = None
        self.reads: dict[v.NodeId, v.ReadIndex] = {}
        self.held = False
        self.silent = 0
        """How many records of a block are not told."""
        self.told: list[Told] = []

    def perform(self, block: Block) -> None:
        before, self.silent = len(self.recorder.records), 0
        said: list[tuple[int, str]] = []
        for line in block.commands:
            name, *arguments = line.split()
            self.held = name == "hold"
            if self.held:
                name, *arguments = arguments
            answer = getattr(self, "do_" + name.replace("-", "_"))(*arguments)
            said += [(len(self.recorder.records), line) for line in answer or ()]
        first = max(before, self.silent)
        self.told.append(Told(block, first, len(self.recorder.records), said))

    def write(self) -> None:
        """Once all is over, so that it is known what became of each message."""
        _, *all_lines = lines(put_together(self.recorder.records))
        for block, first, last, said in self.told:
            told = [(at, line.rstrip("\n")) for at, line in enumerate(all_lines[:last], 1)]
            block.output = [line for _, line in sorted([*told[first:], *said], key=_when)]

    # Steps

    @property
    def cluster(self) -> c.Cluster:
        return self.run.cluster  # type: ignore[no-any-return]

    def node(self, name: str) -> v.Node:
        return self.cluster.members[int(name)].node

    def take(self, step: c.Step) -> None:
        assert c.is_enabled(self.cluster, step), step
        found = self.run.take(step)
        assert found is None, found

    def input(self, name: str, event: v.Event) -> None:
        self.take(c.Input(int(name), event))
        self.drained(name)

    def drained(self, name: str) -> None:
        if not self.held:
            self.take(c.Drain(int(name)))

    def between(self, sender: str, to: str) -> int:
        """Where the oldest content between two is."""
        for at, (receiver, content) in enumerate(self.cluster.network):
            if (str(content.sender), str(receiver)) == (sender, to):
                return at
        raise AssertionError(f"nothing is under way from {sender} to {to}")

    # Commands

    def do_cluster(self, count: str) -> None:
        self.run = self.make(int(count), self.recorder)

    def do_begin(self, count: str, voters: str | None = None) -> Iterator[str]:
        self.do_cluster(count)
        self.do_found("0", *map(str, range(int(voters or count))))
        self.settle()
        self.do_heartbeat("0")
        self.settle()
        self.do_quiet()
        return self.do_logs()

    def do_found(self, name: str, *voters: str) -> None:
        self.input(name, v.CreateCluster(frozenset(map(int, voters))))

    def do_timeout(self, name: str) -> None:
        self.input(name, v.ElectionTimeout())

    def do_heartbeat(self, name: str) -> None:
        self.input(name, v.Heartbeat())

    def do_command(self, name: str) -> None:
        self.input(name, v.ProposeCommand())

    def do_members(self, name: str, *members: str) -> None:
        parts: dict[str, list[int]] = {"": [], "->": [], "+": []}
        kind = ""
        for word in members:
            if word in parts:
                kind = word
            else:
                parts[kind].append(int(word))
        config = v.Config(*(frozenset(part) for part in parts.values()))
        self.input(name, v.ProposeConfig(config))

    def do_step_down(self, name: str) -> None:
        self.input(name, v.StepDown())

    def do_transfer(self, name: str, to: str) -> None:
        self.input(name, v.TransferLeadership(int(to)))

    def do_cancel(self, name: str) -> None:
        self.input(name, v.CancelTransfer())

    def do_timeout_now(self, name: str, term: str) -> None:
        self.input(name, v.TimeoutNow(int(term)))

    def do_snapshot(self, name: str) -> None:
        node = self.node(name)
        position = node.log.position(node.commit_index)
        config = node.log.config_at(node.commit_index)
        self.input(name, v.SnapshotInstalled(position, config))

    def do_deliver(self, sender: str, to: str = "", keep: str | None = None) -> None:
        if sender == "all":
            self.settle()
            return
        at = self.between(sender, to)
        self.take(c.Deliver(at, None if keep is None else int(keep)))
        self.drained(to)

    def do_exchange(self, sender: str, to: str) -> None:
        self.do_deliver(sender, to)
        self.do_deliver(to, sender)

    def settle(self) -> None:
        while True:
            up = [one for one in self.cluster.network if self.cluster.members[one.to].up]
            if not up:
                return
            at = self.cluster.network.index(up[0])
            self.take(c.Deliver(at))
            self.drained(str(up[0].to))

    def do_lose(self, sender: str, to: str = "") -> None:
        if sender != "all":
            self.take(c.Lose(self.between(sender, to)))
            return
        while self.cluster.network:
            self.take(c.Lose(0))

    def do_repeat(self, sender: str, to: str) -> None:
        self.take(c.Duplicate(self.between(sender, to)))

    def do_crash(self, name: str, done: str | None = None) -> None:
        if done is None:
            self.take(c.Crash(int(name)))
            return
        owed, _ = c.drain(self.cluster.members[int(name)])
        counted = [
            at for at, one in enumerate(owed, 1) if not isinstance(one, v.SetElectionTimeout)
        ]
        self.take(c.Drain(int(name), ([0, *counted])[int(done)]))

    def do_restart(self, name: str) -> None:
        self.take(c.Comeback(int(name)))
        self.drained(name)

    def do_drain(self, name: str) -> None:
        assert self.cluster.members[int(name)].pending != NOTHING
        self.take(c.Drain(int(name)))

    def do_quiet(self) -> None:
        self.silent = len(self.recorder.records)

    # Questions

    def ask(self, question: str, name: str, argument: Any = None) -> Any:
        """What a server answers: as specified, or the subject."""
        asked = Asked(ASKED[question], argument)
        subject = getattr(self.run, "subject", None)
        if subject is None:
            return asked.question.specified(self.node(name), argument)
        return subject.answer(int(name), asked)

    def do_logs(self) -> Iterator[str]:
        return (f"    {describe(member)}" for member in self.cluster.members)

    def do_read(self, name: str) -> list[str]:
        read = self.ask("read_index", name)
        if not isinstance(read, v.ReadIndex):
            return [f"    {name} takes no read"]
        self.reads[int(name)] = read
        said = f"reads what is applied up to {read.index}, once call #{read.seqno} is confirmed"
        return [f"    {name} {said}"]

    def do_confirmed(self, name: str) -> list[str]:
        confirmed = self.ask("is_confirmed", name, self.reads[int(name)])
        return [f"    {name}'s read is {'' if confirmed else 'not '}confirmed"]

    def do_status(self, name: str, position: str) -> list[str]:
        term, index = map(int, position.removeprefix("t").split("i"))
        status = self.ask("get_commit_status", name, v.Position(term, index))
        return [f"    {name} knows {position} to be {str(status).replace('_', ' ')}"]

    def do_pre_vote(self, name: str) -> list[str]:
        call = self.ask("pre_vote_call", name)
        if not isinstance(call, v.RequestVoteCall):
            return [f"    {name} would not campaign"]
        would = [
            str(member.node.id)
            for member in self.cluster.members
            if member.node.id != int(name) and member.up
            if self.ask("would_vote", str(member.node.id), call) is True
        ]
        return [
            f"    {name} would ask for votes in term {call.term}: of {', '.join(would) or 'nobody'}"
        ]

    def do_disruptive(self, name: str, sender: str) -> list[str]:
        message = self.cluster.network[self.between(sender, name)].content
        may = self.ask("could_be_disruptive", name, message)
        return [f"    what {sender} sends {name} {'may' if may else 'may not'} be dropped"]


def _when(told: tuple[int, str]) -> int:
    return told[0]


def describe(member: c.Member) -> str:
    """A server's log; of one that is down, that on its disk."""
    node, log = member.node, member.node.log if member.up else member.disk.log
    start = [f"snapshot {show(log.snapshot_position)}"] if log.snapshot_position.index else []
    entries = list(map(words.entry, log.entries))
    known = node.commit_index - log.snapshot_position.index
    bar = ["|"] if member.up else []
    said = " ".join([*start, *entries[:known], *bar, *entries[known:]]).rstrip()
    return f"{node.id}{'' if member.up else ' (down)'}: {said}"


def specification(size: int, recorder: Recorder) -> Run:
    return Run(size, recorder=recorder)


def library(size: int, recorder: Recorder) -> Run:
    from conformance.subjects.hidden import library_subject

    return Lockstep(size, library_subject(), recorder=recorder)


def main(arguments: list[str]) -> None:
    rewrite = "--rewrite" in arguments
    names = [Path(one) for one in arguments if one != "--rewrite"] or sorted(HERE.glob("*.txt"))
    for path in names:
        text = play(path.read_text(encoding="utf-8"), specification)
        if rewrite:
            path.write_text(text, encoding="utf-8")
        else:
            print(text)


if __name__ == "__main__":
    main(sys.argv[1:])
