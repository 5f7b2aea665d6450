"""Small recordings in each format, made by hand: three nodes elect one, which commits an entry."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ALL = ["1", "2", "3"]


def write(path: Path, lines: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return path


# etcd


def etcd_line(
    name: str,
    node: str,
    term: int,
    vote: str = "0",
    commit: int = 2,
    log: int = 2,
    role: str = "Follower",
    msg: dict[str, Any] | None = None,
    **state: int,
) -> dict[str, Any]:
    event: dict[str, Any] = {
        "name": name,
        "nid": node,
        "state": {"term": term, "vote": vote, "commit": commit, **state},
        "role": f"State{role}",
        "log": log,
        "conf": [ALL, []],
    }
    if msg is not None:
        event["msg"] = msg
    return {"ts": "2025-01-01T00:00:00Z", "tag": "trace", "event": event}


def etcd_message(kind: str, sender: str, to: str, term: int = 1, **fields: Any) -> dict[str, Any]:
    zeros = {"entries": 0, "logTerm": 0, "index": 0, "commit": 0, "vote": "0", "reject": False}
    return {"type": kind, "term": term, "from": sender, "to": to, **zeros, **fields}


def etcd() -> list[dict[str, Any]]:
    ask = etcd_message("MsgVote", "1", "2", index=2, logTerm=1)
    vote = etcd_message("MsgVoteResp", "2", "1")
    call = etcd_message("MsgApp", "1", "2", index=2, logTerm=1, entries=1, commit=2)
    reply = etcd_message("MsgAppResp", "2", "1", index=3)
    tell = etcd_message("MsgHeartbeat", "1", "2", commit=3)
    lead: dict[str, Any] = {"vote": "1", "role": "Leader"}
    return [
        *(etcd_line("InitState", node, 0) for node in ALL),
        etcd_line("BecomeCandidate", "1", 1, vote="1", role="Candidate"),
        etcd_line("SendRequestVoteRequest", "1", 1, vote="1", role="Candidate", msg=ask),
        etcd_line("ReceiveRequestVoteRequest", "2", 0, msg=ask),
        etcd_line("SendRequestVoteResponse", "2", 1, msg=vote),
        etcd_line("Ready", "2", 1, vote="1"),
        etcd_line("ReceiveRequestVoteResponse", "1", 1, vote="1", role="Candidate", msg=vote),
        etcd_line("BecomeLeader", "1", 1, **lead),
        etcd_line("SendAppendEntriesRequest", "1", 1, log=3, msg=call, **lead),
        etcd_line("ReceiveAppendEntriesRequest", "2", 1, vote="1", msg=call),
        etcd_line("SendAppendEntriesResponse", "2", 1, vote="1", log=3, msg=reply),
        etcd_line("ReceiveAppendEntriesResponse", "1", 1, log=3, msg=reply, **lead),
        etcd_line("Commit", "1", 1, commit=3, log=3, **lead),
        etcd_line("SendAppendEntriesRequest", "1", 1, commit=3, log=3, msg=tell, **lead),
        etcd_line("ReceiveAppendEntriesRequest", "2", 1, vote="1", log=3, msg=tell),
        etcd_line("Ready", "2", 1, vote="1", commit=3, log=3),
    ]


# CCF


def ccf_line(
    function: str,
    node: str,
    view: int,
    last: int = 0,
    commit: int = 0,
    role: str = "Follower",
    packet: dict[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    state = {
        "node_id": node,
        "current_view": view,
        "last_idx": last,
        "commit_idx": commit,
        "leadership_state": role,
    }
    msg: dict[str, Any] = {"function": function, "state": state, **more}
    if packet is not None:
        msg["packet"] = packet
    return {"h_ts": "1", "tag": "raft_trace", "msg": msg}


def ccf() -> list[dict[str, Any]]:
    nodes = {"nodes": {name: {"address": ":"} for name in ALL}}
    ask = {
        "msg": "raft_request_vote",
        "term": 1,
        "last_committable_idx": 0,
        "term_of_last_committable_idx": 0,
    }
    vote = {"msg": "raft_request_vote_response", "term": 1, "vote_granted": True}
    call = {"msg": "raft_append_entries", "term": 1, "idx": 1, "prev_idx": 0, "prev_term": 0}
    call |= {"term_of_idx": 1, "leader_commit_idx": 0}
    told = call | {"prev_idx": 1, "prev_term": 1, "leader_commit_idx": 1}
    reply = {"msg": "raft_append_entries_response", "term": 1, "success": "OK", "last_log_idx": 1}
    to: dict[str, Any] = {"to_node_id": "2"}
    back: dict[str, Any] = {"from_node_id": "2"}
    lead: dict[str, Any] = {"role": "Leader"}
    founded: dict[str, Any] = {"configurations": [], "new_configuration": nodes}
    return [
        *(ccf_line("add_configuration", node, 0, role="None", **founded) for node in ALL),
        ccf_line("become_candidate", "1", 1, role="Candidate", configurations=[nodes]),
        ccf_line("send_request_vote", "1", 1, role="Candidate", packet=ask, **to),
        ccf_line("recv_request_vote", "2", 0, packet=ask, from_node_id="1"),
        ccf_line("become_follower", "2", 1, configurations=[nodes]),
        ccf_line("recv_request_vote_response", "1", 1, role="Candidate", packet=vote, **back),
        ccf_line("become_leader", "1", 1, configurations=[nodes], **lead),
        ccf_line("replicate", "1", 1, seqno=1, **lead),
        ccf_line("send_append_entries", "1", 1, last=1, packet=call, **lead, **to),
        ccf_line("recv_append_entries", "2", 1, packet=call, from_node_id="1"),
        ccf_line("send_append_entries_response", "2", 1, last=1, packet=reply, to_node_id="1"),
        ccf_line("recv_append_entries_response", "1", 1, last=1, packet=reply, **lead, **back),
        ccf_line("commit", "1", 1, last=1, commit=1, configurations=[nodes], **lead),
        ccf_line("send_append_entries", "1", 1, last=1, commit=1, packet=told, **lead, **to),
        ccf_line("recv_append_entries", "2", 1, last=1, packet=told, from_node_id="1"),
        ccf_line("commit", "2", 1, last=1, commit=1, configurations=[nodes]),
    ]


def ccf_before_2023_06() -> list[dict[str, Any]]:
    """The same as the older version writes it; it notes votes where they are sent."""
    numbers = {
        "raft_append_entries": 0,
        "raft_append_entries_response": 1,
        "raft_request_vote": 3,
        "raft_request_vote_response": 4,
    }
    lines = []
    for line in ccf():
        msg, state = dict(line["msg"]), dict(line["msg"]["state"])
        state["my_node_id"] = msg["node"] = state.pop("node_id")
        msg["leadership"] = state.pop("leadership_state")
        function = msg.pop("function")
        msg |= {"event": {"component": "raft", "function": function}, "state": state}
        for name, older in (("packet", "paket"), ("from_node_id", "from"), ("to_node_id", "to")):
            if name in msg:
                msg[older] = msg.pop(name)
        if "paket" in msg:
            number = numbers[msg["paket"]["msg"]]
            msg["paket"] = {**msg["paket"], "msg": number}
            if number == 1:
                msg["paket"]["success"] = 0
        if "new_configuration" in msg:
            msg["configurations"] = [msg.pop("new_configuration")]
        lines.append({"h_ts": "1", "tag": "tla", "msg": msg})
        if function == "become_follower":
            sent = {**msg, "event": {"function": "send_request_vote_response"}, "to": "1"}
            sent["paket"] = {"msg": 4, "term": 1, "vote_granted": True}
            lines.append({"h_ts": "1", "tag": "tla", "msg": sent})
    return lines


def ccf_later() -> list[dict[str, Any]]:
    """The same as later versions write it: with commands, and a configuration among arguments."""
    lines: list[dict[str, Any]] = [{"tag": "raft_trace", "cmd": "start"}]
    for line in ccf():
        msg = dict(line["msg"])
        added = msg.pop("new_configuration", None)
        if added is not None and msg["state"]["node_id"] == "1":
            msg["args"] = {"configuration": added}
        elif added is not None:
            msg |= added
        lines.append({**line, "msg": msg})
    return lines


# hashicorp


def hashicorp_line(
    name: str,
    node: str,
    commit: int = 0,
    last: tuple[int, int] = (1, 1),
    role: str = "Follower",
    msg: dict[str, Any] | None = None,
    term: int = 2,
) -> dict[str, Any]:
    state = {
        "term": term,
        "votedFor": "",
        "role": role,
        "commitIndex": commit,
        "lastLogIndex": last[1],
        "lastLogTerm": last[0],
    }
    event: dict[str, Any] = {"name": name, "nid": node, "state": state}
    if msg is not None:
        event["msg"] = {"term": 2, "entries": 0, **msg}
    return {"ts": "2026-01-01T00:00:00Z", "tag": "trace", "event": event}


def hashicorp() -> list[dict[str, Any]]:
    ahead, back = {"from": "a", "to": "b"}, {"from": "b", "to": "a"}
    call = {**ahead, "prevLogIndex": 1, "prevLogTerm": 1, "entries": 1}
    told = {**ahead, "prevLogIndex": 2, "prevLogTerm": 2, "commitIndex": 2}
    ask = {**ahead, "lastLogTerm": 1, "lastLogIndex": 1, "voteGranted": True}
    grown: tuple[int, int] = (2, 2)
    config = {"servers": ["a", "b", "c"], "electionTimeout": "50ms"}
    return [
        {"ts": "2026-01-01T00:00:00Z", "tag": "config", "config": config},
        hashicorp_line("BecomeCandidate", "a", role="Candidate"),
        hashicorp_line("HandleRequestVoteRequest", "b", msg=ask),
        hashicorp_line(
            "HandleRequestVoteResponse", "a", role="Candidate", msg={**back, "voteGranted": True}
        ),
        hashicorp_line("BecomeLeader", "a", role="Leader"),
        hashicorp_line("SendReplicateEntries", "a", last=grown, role="Leader", msg=call),
        hashicorp_line(
            "HandleAppendEntriesRequest", "b", last=grown, msg={**call, "success": True}
        ),
        hashicorp_line("AdvanceCommitIndex", "a", commit=2, last=grown, role="Leader"),
        # The goroutine that took the acknowledgement writes it after the commit that it led to.
        hashicorp_line(
            "HandleReplicateResponse",
            "a",
            commit=0,
            last=grown,
            role="Leader",
            msg={**back, "success": True, "matchIndex": 2},
        ),
        hashicorp_line("SendReplicateEntries", "a", commit=2, last=grown, role="Leader", msg=told),
        hashicorp_line(
            "HandleAppendEntriesRequest", "b", commit=2, last=grown, msg={**told, "success": True}
        ),
    ]


STORIES = {
    "etcd": etcd,
    "ccf": ccf,
    "ccf, older": ccf_before_2023_06,
    "ccf, later": ccf_later,
    "hashicorp": hashicorp,
}
