"""The specification's values as the text that a trace has of them.

The same as `conformance.trace.plain.record_line`, without dictionaries in between.  ValueError for
what no trace can say.
"""

from __future__ import annotations

from typing import Final

from conformance.observe.observed import Observed
from spec import values as v

NODE: Final = '{"node":'
SEQ: Final = ',"seq":'
TIME: Final = ',"time":'
EVENT: Final = ',"event":'
OUTCOME: Final = ',"outcome":'
ACTIONS: Final = ',"actions":['
STATE: Final = ',"state":'
CHANGED: Final = ',"changed":'


def number_text(number: int | None) -> str:
    return "null" if number is None else str(number)


def truth_text(truth: bool) -> str:
    return "true" if truth else "false"


def position_text(position: v.Position) -> str:
    return f'{{"term":{position.term},"index":{position.index}}}'


def ids_text(ids: list[v.NodeId]) -> str:
    return "[" + ",".join([str(one) for one in ids]) + "]"


def config_text(config: v.Config) -> str:
    voters, new_voters = ids_text(sorted(config.voters)), ids_text(sorted(config.new_voters))
    non_voters = ids_text(sorted(config.non_voters))
    return f'{{"voters":{voters},"new_voters":{new_voters},"non_voters":{non_voters}}}'


def entries_text(term: v.Term, entries: v.Entries) -> str:
    """The entries that follow one of `term`."""
    if not len(entries):
        return "[]"
    items: list[str] = []
    run = 0  # how many commands have been seen and not yet written
    for entry in entries:
        payload = entry.payload
        if payload == v.TERM:
            if entry.term < term:
                raise ValueError(f"an entry of term {entry.term} after one of term {term}")
            term = entry.term
        elif entry.term != term:
            raise ValueError(f"an entry that opens no term is of term {entry.term} after {term}")
        if payload == v.COMMAND:
            run += 1
            continue
        if run:
            items.append(f'{{"commands":{run}}}')
            run = 0
        if isinstance(payload, v.Config):
            items.append(f'{{"config":{config_text(payload)}}}')
        else:
            items.append(f'{{"term":{term}}}')
    if run:
        items.append(f'{{"commands":{run}}}')
    return "[" + ",".join(items) + "]"


def message_text(message: v.Message) -> str:
    header = f'"from":{message.sender},"term":{message.term},"seqno":{message.seqno}'
    if isinstance(message, v.AppendEntriesCall):
        prev = message.prev_position
        return (
            f'{{"type":"append_entries_call",{header},"commit_index":{message.commit_index},'
            f'"prev_position":{position_text(prev)},'
            f'"entries":{entries_text(prev.term, message.entries)}}}'
        )
    if isinstance(message, v.AppendEntriesReply):
        return (
            f'{{"type":"append_entries_reply",{header},'
            f'"last_position":{position_text(message.last_position)},'
            f'"accepted":{truth_text(message.accepted)}}}'
        )
    if isinstance(message, v.RequestVoteCall):
        transfer = ',"transfer":true' if message.transfer else ""
        last = position_text(message.last_position)
        return f'{{"type":"request_vote_call",{header},"last_position":{last}{transfer}}}'
    granted = truth_text(message.vote_granted)
    return f'{{"type":"request_vote_reply",{header},"vote_granted":{granted}}}'


def receipt_text(message: str) -> str:
    """The event of receiving a message, of which this is the text."""
    return f'{{"kind":"message","message":{message}}}'


def action_text(action: v.Action, message: str) -> str:
    """`message`: the text of the message that the action sends, if it sends one."""
    if isinstance(action, v.SetElectionTimeout):
        return '{"type":"set_election_timeout"}'
    if isinstance(action, v.SendMessage):
        return f'{{"type":"send_message","to":{action.to},"message":{message}}}'
    if isinstance(action, v.BroadcastMessage):
        to = ids_text(sorted(action.to))
        return f'{{"type":"broadcast_message","to":{to},"message":{message}}}'
    if isinstance(action, v.AppendLogEntries):
        prev = action.prev_position
        entries = entries_text(prev.term, action.entries)
        return (
            f'{{"type":"append_log_entries","prev_position":{position_text(prev)},'
            f'"entries":{entries}}}'
        )
    if isinstance(action, v.SaveCurrentTerm):
        return f'{{"type":"save_current_term","term":{action.term}}}'
    if isinstance(action, v.SaveVotedFor):
        return f'{{"type":"save_voted_for","voted_for":{number_text(action.voted_for)}}}'
    return f'{{"type":"install_snapshot","to":{action.to}}}'


def message_of(action: v.Action) -> v.Message | None:
    """What an action sends."""
    if isinstance(action, (v.SendMessage, v.BroadcastMessage)):
        return action.message
    return None


def event_text(event: v.Event) -> str:
    """Of the events of a node that runs: not of a start, restart or checkpoint."""
    if isinstance(event, v.Receive):
        return receipt_text(message_text(event.message))
    if isinstance(event, v.ProposeCommand):
        return '{"kind":"propose_command"}'
    if isinstance(event, v.ElectionTimeout):
        return '{"kind":"election_timeout"}'
    if isinstance(event, v.Heartbeat):
        return '{"kind":"heartbeat"}'
    if isinstance(event, v.StepDown):
        return '{"kind":"step_down"}'
    if isinstance(event, v.TransferLeadership):
        return f'{{"kind":"transfer_leadership","to":{event.to}}}'
    if isinstance(event, v.CancelTransfer):
        return '{"kind":"cancel_transfer"}'
    if isinstance(event, v.TimeoutNow):
        return f'{{"kind":"timeout_now","term":{event.term}}}'
    if isinstance(event, v.SnapshotInstalled):
        position, config = position_text(event.position), config_text(event.config)
        return f'{{"kind":"snapshot_installed","position":{position},"config":{config}}}'
    if isinstance(event, v.ProposeConfig):
        return f'{{"kind":"propose_config","config":{config_text(event.config)}}}'
    if isinstance(event, v.CreateCluster):
        return f'{{"kind":"create_cluster","voters":{ids_text(sorted(event.voters))}}}'
    raise ValueError("a start or restart")


def outcome_text(event: v.Event, outcome: v.Outcome) -> str:
    """False stands for any refusal, too: null of a proposal, which has a position to tell else."""
    if outcome is None:
        return "null"
    if isinstance(outcome, v.Position):
        return position_text(outcome)
    if isinstance(outcome, v.Called):
        return f'{{"seqno":{outcome.seqno}}}'
    if outcome is True:
        return "true"
    if isinstance(event, (v.ProposeCommand, v.ProposeConfig, v.CreateCluster)):
        return "null"
    if isinstance(event, (v.ElectionTimeout, v.TimeoutNow)):
        raise ValueError(f"no trace can say that {type(event).__name__} was refused")
    return "false"


def state_text(state: Observed, config: str) -> str:
    """`config`: the text of its configuration."""
    leader = f',"leader":{number_text(state.leader)}' if state.leader_given else ""
    confirmed = "" if state.confirmed is None else f',"confirmed":{state.confirmed}'
    return (
        f'{{"role":"{state.role}","current_term":{state.current_term},'
        f'"voted_for":{number_text(state.voted_for)},"commit_index":{state.commit_index},'
        f'"last_position":{position_text(state.last_position)},'
        f'"snapshot_position":{position_text(state.snapshot_position)},'
        f'"config":{config}{leader}{confirmed}}}'
    )


def changed_text(before: Observed, state: Observed, config: str) -> str:
    """What of a state is not as before.  `config`: the text of its configuration."""
    parts: list[str] = []
    if state.role != before.role:
        parts.append(f'"role":"{state.role}"')
    if state.current_term != before.current_term:
        parts.append(f'"current_term":{state.current_term}')
    if state.voted_for != before.voted_for:
        parts.append(f'"voted_for":{number_text(state.voted_for)}')
    if state.commit_index != before.commit_index:
        parts.append(f'"commit_index":{state.commit_index}')
    if state.last_position != before.last_position:
        parts.append(f'"last_position":{position_text(state.last_position)}')
    if state.snapshot_position != before.snapshot_position:
        parts.append(f'"snapshot_position":{position_text(state.snapshot_position)}')
    if state.config is not before.config and state.config != before.config:
        parts.append(f'"config":{config}')
    if state.leader != before.leader:
        parts.append(f'"leader":{number_text(state.leader)}')
    if state.confirmed != before.confirmed:
        parts.append(f'"confirmed":{number_text(state.confirmed)}')
    return "{" + ",".join(parts) + "}"
