"""An example of everything in the format, for its documentation; each one reads as its model."""

from __future__ import annotations

from typing import Final

from conformance.trace import checkpoint as k
from conformance.trace import model as t
from conformance.trace import moments as m
from conformance.trace import vocabulary as w

_POSITION = '{"term":2,"index":7}'
_NO_POSITION = '{"term":0,"index":0}'
_CONFIG = '{"voters":[0,1,2],"new_voters":[],"non_voters":[]}'
_NO_CONFIG = '{"voters":[],"new_voters":[],"non_voters":[]}'
_ENTRIES = f'[{{"config":{_CONFIG}}},{{"term":1}},{{"commands":5}}]'
_LOG = f'{{"snapshot_position":{_NO_POSITION},"snapshot_config":{_NO_CONFIG},"entries":{_ENTRIES}}}'
_VOTE = f'{{"type":"request_vote_call","from":0,"term":3,"seqno":9,"last_position":{_POSITION}}}'
_APPEND = (
    '{"type":"append_entries_call","from":0,"term":2,"seqno":12,"commit_index":6,'
    f'"prev_position":{_POSITION},"entries":[{{"commands":1}}]}}'
)
_REPLY = (
    '{"type":"append_entries_reply","from":1,"term":2,"seqno":12,'
    '"last_position":{"term":2,"index":8},"accepted":true}'
)
_LIMITS = '{"entries":5000,"calls":8,"ask_again":1000,"uncommitted":null}'
_PEER = '{"node":1,"match":6,"next":7,"probe":4,"asked":0,"probing":false}'
_STATE = (
    '{"role":"leader","current_term":2,"voted_for":0,"commit_index":8,'
    f'"last_position":{{"term":2,"index":8}},"snapshot_position":{_NO_POSITION},'
    f'"config":{_CONFIG},"leader":0}}'
)
_DISK = f'{{"current_term":1,"voted_for":0,"log":{_LOG}}}'


_SEEN = '{"type":"append_entries_reply","from":2,"to":1,"term":2,"index":8,"granted":true}'


def _snapshot(role: str, leader: str, more: str = "") -> str:
    return (
        f'{{"role":"{role}","current_term":1,"voted_for":0,"leader":{leader},"log":{_LOG},'
        f'"commit_index":6,"seqno":4,"pending":[],"disk":{_DISK},"limits":{_LIMITS}{more}}}'
    )


EXAMPLES: Final[dict[type[w.Model], str]] = {
    t.Header: '{"format":"raftbare-trace","version":1,'
    '"implementation":"raftbare (Rust) 0.2.2","nodes":3}',
    t.Record: f'{{"node":0,"seq":41,"time":1732390752.25,'
    f'"event":{{"kind":"message","message":{_REPLY}}},'
    f'"outcome":null,"actions":[{{"type":"set_election_timeout"}}],"state":{_STATE}}}',
    t.State: _STATE,
    t.Change: '{"last_position":{"term":2,"index":8},"confirmed":13}',
    w.Position: _POSITION,
    w.Config: _CONFIG,
    w.TermEntry: '{"term":3}',
    w.ConfigEntry: f'{{"config":{_CONFIG}}}',
    w.Commands: '{"commands":250}',
    w.Log: _LOG,
    t.Start: '{"kind":"start"}',
    t.Restart: f'{{"kind":"restart","current_term":1,"voted_for":0,"log":{_LOG}}}',
    t.CreateCluster: '{"kind":"create_cluster","voters":[0,1,2]}',
    t.ProposeCommand: '{"kind":"propose_command"}',
    t.ProposeConfig: '{"kind":"propose_config",'
    '"config":{"voters":[0,1,2],"new_voters":[0,1,3],"non_voters":[]}}',
    t.Heartbeat: '{"kind":"heartbeat"}',
    t.ElectionTimeout: '{"kind":"election_timeout"}',
    t.StepDown: '{"kind":"step_down"}',
    t.TransferLeadership: '{"kind":"transfer_leadership","to":2}',
    t.CancelTransfer: '{"kind":"cancel_transfer"}',
    t.TimeoutNow: '{"kind":"timeout_now","term":3}',
    t.Called: '{"seqno":10}',
    t.Receive: f'{{"kind":"message","message":{_REPLY}}}',
    t.SnapshotInstalled: f'{{"kind":"snapshot_installed","position":{_POSITION},'
    f'"config":{_CONFIG}}}',
    t.Checkpoint: f'{{"kind":"checkpoint","snapshot":{_snapshot("follower", "0")}}}',
    w.Limits: _LIMITS,
    w.RequestVoteCall: _VOTE,
    w.RequestVoteReply: '{"type":"request_vote_reply","from":1,"term":3,"seqno":9,'
    '"vote_granted":true}',
    w.AppendEntriesCall: _APPEND,
    w.AppendEntriesReply: _REPLY,
    w.SetElectionTimeout: '{"type":"set_election_timeout"}',
    w.SaveCurrentTerm: '{"type":"save_current_term","term":3}',
    w.SaveVotedFor: '{"type":"save_voted_for","voted_for":null}',
    w.BroadcastMessage: f'{{"type":"broadcast_message","to":[1,2],"message":{_VOTE}}}',
    w.AppendLogEntries: f'{{"type":"append_log_entries","prev_position":{_POSITION},'
    '"entries":[{"commands":1}]}',
    w.SendMessage: f'{{"type":"send_message","to":0,"message":{_REPLY}}}',
    w.InstallSnapshot: '{"type":"install_snapshot","to":2}',
    k.FollowerSnapshot: _snapshot("follower", "0"),
    k.CandidateSnapshot: _snapshot("candidate", "null", ',"granted":[0]'),
    k.LeaderSnapshot: _snapshot(
        "leader",
        "0",
        f',"peers":[{_PEER},{{"node":2,"match":7,"next":null,"probe":0,"asked":0,"probing":false}}],"durable":7',
    ),
    k.Peer: _PEER,
    k.Disk: _DISK,
    m.Capabilities: '{"sends":["request_vote_call","append_entries_call"],'
    '"receipts":["request_vote_reply","append_entries_reply"],"state":"before","order":"all",'
    '"durability":"unknown","entries":"counts","numbers":false,"configuration":"apply",'
    '"changes":"both","votes":"stored","compared":"last","complete":true}',
    m.SeenMessage: _SEEN,
    m.Moment: '{"node":1,"seq":31,"line":95,"role":"leader","current_term":2,"voted_for":1,'
    '"commit_index":7,"last_index":8,"voters":[[1,2,3]],"received":' + _SEEN + "}",
    t.Offer: '{"format":"raftbare-subject","versions":[1]}',
    t.Hello: '{"format":"raftbare-subject","version":1,'
    '"implementation":"raft.c 1.0","lacks":["snapshots","transfer"]}',
    t.Request: '{"node":0,"event":{"kind":"heartbeat"},"drain":false}',
    t.Answer: '{"outcome":{"seqno":10},"actions":[{"type":"set_election_timeout"}],'
    f'"state":{_STATE}}}',
}
