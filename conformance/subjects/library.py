"""The library as a subject: the one translation between raftbare's types and the spec's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from types import ModuleType
from typing import Any, Final

import raftbare
from conformance.observe.observed import Observed
from conformance.subjects.asking.questions import Asked
from conformance.subjects.draining import WAYS
from spec import values as v

ENDLESS: Final = 10_000
"""More actions than any drain has: where there are so many, the rest is left."""


class LibrarySubject:
    """raftbare's nodes.  `library` is the package, or a copy of it under another name."""

    def __init__(self, library: ModuleType = raftbare) -> None:
        self.nodes: dict[v.NodeId, Any] = {}
        self.library: Any = library
        self._drains = 0
        self._config: tuple[Any, v.Config] = (None, v.Config())  # the latest one translated
        self._limits: tuple[v.Limits, Any] = (v.LIMITS, library.Limits(*v.LIMITS))
        self._reasons: dict[type, v.Reason] = {
            library.NotLeaderError: "not_leader",
            library.InvalidConfigError: "invalid_config",
            library.ClusterExistsError: "cluster_exists",
            library.InvalidSnapshotError: "invalid_snapshot",
            library.TooManyUncommittedError: "too_many_uncommitted",
            library.TransferringError: "transferring",
            library.InvalidTransferError: "invalid_transfer",
            library.InvariantError: "invariant",
        }
        self._actions: dict[type, Callable[[Any, Any], v.Action]] = {
            library.SetElectionTimeout: lambda node, action: v.SetElectionTimeout(),
            library.SaveCurrentTerm: lambda node, action: v.SaveCurrentTerm(node.current_term),
            library.SaveVotedFor: lambda node, action: v.SaveVotedFor(node.voted_for),
            library.BroadcastMessage: lambda node, action: v.BroadcastMessage(
                self.message_to_spec(action.message), tuple(node.peers)
            ),
            library.AppendLogEntries: lambda node, action: v.AppendLogEntries(
                _position(action.entries.prev_position), self.entries_to_spec(action.entries)
            ),
            library.SendMessage: lambda node, action: v.SendMessage(
                action.to, self.message_to_spec(action.message)
            ),
            library.InstallSnapshot: lambda node, action: v.InstallSnapshot(action.to),
        }
        self._messages: dict[type, Callable[[Any], v.Message]] = {
            library.RequestVoteCall: lambda call: v.RequestVoteCall(
                call.sender, call.term, call.seqno, _position(call.last_position), call.transfer
            ),
            library.RequestVoteReply: lambda reply: v.RequestVoteReply(
                reply.sender, reply.term, reply.seqno, reply.vote_granted
            ),
            library.AppendEntriesCall: lambda call: v.AppendEntriesCall(
                call.sender,
                call.term,
                call.seqno,
                call.commit_index,
                _position(call.entries.prev_position),
                self.entries_to_spec(call.entries),
            ),
            library.AppendEntriesReply: lambda reply: v.AppendEntriesReply(
                reply.sender,
                reply.term,
                reply.seqno,
                _position(reply.last_position),
                reply.accepted,
            ),
        }

    # Subject

    def handle(self, node: v.NodeId, event: v.Event) -> v.Outcome:
        try:
            return self._handle(node, event)
        except self.library.RaftError as error:
            return v.Refused(self._reasons[type(error)], str(error))

    def drain(self, node: v.NodeId) -> tuple[v.Action, ...]:
        """In one way after the other (`WAYS`)."""
        subject, translate = self.nodes[node], self.action_to_spec
        self._drains += 1
        way = WAYS[(self._drains + node) % len(WAYS)]
        taken = islice(way(self.library, subject), ENDLESS)
        return tuple([translate(subject, action) for action in taken])

    def observe(self, node: v.NodeId) -> Observed:
        subject = self.nodes[node]
        entries = subject.log.entries
        last, snapshot = entries.last_position, entries.prev_position
        return Observed(
            subject.role.value,
            subject.current_term,
            subject.voted_for,
            subject.commit_index,
            v.Position(last.term, last.index),
            v.Position(snapshot.term, snapshot.index),
            self.config_to_spec(subject.config),
            subject.leader,
            confirmed=subject.confirmed if subject.role is self.library.Role.LEADER else None,
        )

    def log(self, node: v.NodeId) -> v.Log:
        return self.log_to_spec(self.nodes[node].log)

    def answer(self, node: v.NodeId, asked: Asked) -> object:
        try:
            return asked.question.found(self, self.nodes[node], asked.argument)
        except self.library.RaftError as error:
            return v.Refused(self._reasons[type(error)], str(error))

    def _handle(self, node: v.NodeId, event: v.Event) -> v.Outcome:
        library = self.library
        match event:
            case v.Receive(message):
                self.nodes[node].handle_message(self.message_from_spec(message))
                return None
            case v.ElectionTimeout():
                self.nodes[node].handle_election_timeout()
                return None
            case v.ProposeCommand():
                return _position(self.nodes[node].propose_command())
            case v.Heartbeat():
                return v.Called(self.nodes[node].heartbeat())
            case v.StepDown():
                self.nodes[node].step_down()
                return True
            case v.TransferLeadership(to):
                self.nodes[node].transfer_leadership(to)
                return True
            case v.CancelTransfer():
                self.nodes[node].cancel_transfer()
                return True
            case v.TimeoutNow(term):
                self.nodes[node].handle_timeout_now(term)
                return None
            case v.ProposeConfig(config):
                return _position(self.nodes[node].propose_config(self.config_from_spec(config)))
            case v.SnapshotInstalled(position, config):
                self.nodes[node].handle_snapshot_installed(
                    library.LogPosition(position.term, position.index),
                    self.config_from_spec(config),
                )
                return True
            case v.CreateCluster(voters):
                return _position(self.nodes[node].create_cluster(self.names(sorted(voters))))
            case v.Start(limits):
                self.nodes[node] = library.Node.start(node, limits=self.limits_from_spec(limits))
                return None
            case v.Restart(current_term, voted_for, log, limits):
                self.nodes[node] = library.Node.start(node)  # in case that it is refused
                self.nodes[node] = library.Node.restart(
                    node,
                    current_term=current_term,
                    voted_for=voted_for,
                    log=self.log_from_spec(log),
                    limits=self.limits_from_spec(limits),
                )
                return None

    def keep(self, thing: Any, translate: Callable[[Any], object], was: object) -> None:
        """A thing was handed out, and was that: for subjects that look at it again."""

    # From the library's types

    def action_to_spec(self, node: Any, action: Any) -> v.Action:
        """An action as it is taken from the node: what it speaks of is read there and then."""
        return self._actions[type(action)](node, action)

    def log_to_spec(self, log: Any) -> v.Log:
        return v.new_log(
            _position(log.snapshot_position),
            self.config_to_spec(log.snapshot_config),
            self.entries_to_spec(log.entries),
        )

    def message_to_spec(self, message: Any) -> v.Message:
        return self._messages[type(message)](message)

    def entries_to_spec(self, entries: Any) -> v.Entries:
        library, term = self.library, entries.prev_position.term
        translated: list[v.Entry] = []
        for entry, count in entries.runs():
            if isinstance(entry, library.CommandEntry):
                translated += [v.Entry(term, v.COMMAND)] * count
            elif isinstance(entry, library.TermEntry):
                term = entry.term
                translated.append(v.Entry(term, v.TERM))
            else:
                translated.append(v.Entry(term, self.config_to_spec(entry.config)))
        return tuple(translated)

    def config_to_spec(self, config: Any) -> v.Config:
        if config is not self._config[0]:
            spec = v.Config(config.voters, config.new_voters, config.non_voters)
            self._config = config, spec
        return self._config[1]

    # To the library's types

    def names(self, nodes: Iterable[v.NodeId]) -> Iterable[v.NodeId]:
        """As an argument."""
        return nodes

    def log_from_spec(self, log: v.Log) -> Any:
        """For a node to take."""
        return self.new_log(log)

    def new_log(self, log: v.Log) -> Any:
        return self.library.Log(
            self.config_from_spec(log.snapshot_config),
            self.entries_from_spec(log.snapshot_position, log.entries),
        )

    def message_from_spec(self, message: v.Message) -> Any:
        """For a node to take."""
        return self.new_message(message)

    def new_message(self, message: v.Message) -> Any:
        library = self.library
        header = library.MessageHeader(message.sender, message.term, message.seqno)
        match message:
            case v.AppendEntriesCall(
                commit_index=commit_index, prev_position=prev, entries=entries
            ):
                return library.AppendEntriesCall(
                    header, commit_index, self.entries_from_spec(prev, entries)
                )
            case v.AppendEntriesReply(last_position=last, accepted=accepted):
                return library.AppendEntriesReply(
                    header, library.LogPosition(last.term, last.index), accepted
                )
            case v.RequestVoteCall(last_position=last, transfer=transfer):
                position = library.LogPosition(last.term, last.index)
                return library.RequestVoteCall(header, position, transfer)
            case v.RequestVoteReply(vote_granted=vote_granted):
                return library.RequestVoteReply(header, vote_granted)

    def entries_from_spec(self, prev: v.Position, entries: v.Entries) -> Any:
        library = self.library
        runs: list[tuple[Any, int]] = []
        commands = 0
        for entry in entries:
            if entry.payload == v.COMMAND:
                commands += 1
                continue
            if commands:
                runs.append((library.CommandEntry(), commands))
                commands = 0
            if isinstance(entry.payload, v.Config):
                runs.append((library.ConfigEntry(self.config_from_spec(entry.payload)), 1))
            else:
                runs.append((library.TermEntry(entry.term), 1))
        if commands:
            runs.append((library.CommandEntry(), commands))
        return library.LogEntries.from_runs(library.LogPosition(prev.term, prev.index), runs)

    def limits_from_spec(self, limits: v.Limits) -> Any:
        if limits != self._limits[0]:
            self._limits = limits, self.library.Limits(*limits)
        return self._limits[1]

    def config_from_spec(self, config: v.Config) -> Any:
        return self.library.ClusterConfig(config.voters, config.new_voters, config.non_voters)


def _position(position: Any) -> v.Position:
    return v.Position(position.term, position.index)
