/* A small Raft (Ongaro and Ousterhout, extended version) as a subject of `conformance check`:
 * elections, replication, commitment and restarts.  Its membership is fixed, and it keeps all of
 * its log.  § is a section of the paper, F2 its Figure 2.
 *
 *     cc -O2 -o raft examples/subjects/raft.c
 *     conformance check --subject ./raft
 *
 * With -DSTALE_VOTES it has a bug: a vote that was given in an earlier term counts for this one (§5.2).
 */
#define _POSIX_C_SOURCE 200809L /* getline */
#include "json.h"

#define MOST_NODES 64

typedef enum { FOLLOWER, CANDIDATE, LEADER } Role;
typedef enum { COMMAND, TERM, CONFIG } Kind;
typedef struct { uint64_t term, index; } Position;
typedef struct { uint64_t term; Kind kind; } Entry;

typedef struct {
    uint64_t id;
    bool used;
    Role role;
    uint64_t current_term;
    bool voted;
    uint64_t voted_for;
    Entry *log; /* log[i - 1] is index i */
    uint64_t last, room;
    uint64_t voters[MOST_NODES]; /* of the configuration at index 1 */
    int voter_count;
    uint64_t commit, seqno;
    bool knows_leader;
    uint64_t leader;
    bool granted[MOST_NODES];                                 /* of a candidate, by voter */
    uint64_t next_index[MOST_NODES], match_index[MOST_NODES]; /* of a leader */
    Buffer actions;                                           /* what is pending */
} Node;

static Node nodes[MOST_NODES];
static const char *const NOBODY = "null";

/* The log */

static uint64_t term_at(const Node *node, uint64_t index) {
    return index == 0 ? 0 : node->log[index - 1].term;
}

static Position last_position(const Node *node) {
    return (Position){term_at(node, node->last), node->last};
}

static bool contains(const Node *node, Position position) {
    return position.index <= node->last && term_at(node, position.index) == position.term;
}

static void append(Node *node, Entry entry) {
    if (node->last == node->room) {
        node->room = 2 * node->room + 16;
        node->log = realloc(node->log, node->room * sizeof *node->log);
        if (node->log == NULL) exit(2);
    }
    node->log[node->last++] = entry;
}

static int place_of(const Node *node, uint64_t id) {
    for (int i = 0; i < node->voter_count; i++)
        if (node->voters[i] == id) return i;
    return -1;
}

/* Lines */

static void put_position(Buffer *out, Position position) {
    put(out, "{\"term\":%" PRIu64 ",\"index\":%" PRIu64 "}", position.term, position.index);
}

static void put_ids(Buffer *out, const Node *node, bool but_itself) {
    const char *comma = "";
    put(out, "[");
    for (int i = 0; i < node->voter_count; i++) {
        if (but_itself && node->voters[i] == node->id) continue;
        put(out, "%s%" PRIu64, comma, node->voters[i]);
        comma = ",";
    }
    put(out, "]");
}

static void put_config(Buffer *out, const Node *node) {
    put(out, "{\"voters\":");
    put_ids(out, node, false);
    put(out, ",\"new_voters\":[],\"non_voters\":[]}");
}

static void put_entries(Buffer *out, const Node *node, uint64_t after) {
    uint64_t commands = 0;
    put(out, "[");
    for (uint64_t index = after + 1; index <= node->last; index++) {
        Entry entry = node->log[index - 1];
        commands = entry.kind == COMMAND ? commands + 1 : 0;
        if (commands && index < node->last && node->log[index].kind == COMMAND) continue;
        if (out->text[out->length - 1] != '[') put(out, ",");
        if (entry.kind == TERM) {
            put(out, "{\"term\":%" PRIu64 "}", entry.term);
        } else if (entry.kind == CONFIG) {
            put(out, "{\"config\":");
            put_config(out, node);
            put(out, "}");
        } else {
            put(out, "{\"commands\":%" PRIu64 "}", commands);
        }
    }
    put(out, "]");
}

static Position read_position(const char *value) {
    return (Position){number_of(value, "term"), number_of(value, "index")};
}

static void read_voters(Node *node, const char *ids) {
    node->voter_count = 0;
    for (const char *id = first_item(ids); id != NULL; id = next_item(id)) {
        if (node->voter_count == MOST_NODES) exit(2);
        node->voters[node->voter_count++] = number(id);
    }
}

/* Entries that follow one of `term`, from the index after `index` on: those that the log has are
 * passed over (F2, AppendEntries 3 and 4).  The index of the last one; *changed is where the log
 * was changed, 0 where it was not. */
static uint64_t take_entries(Node *node, const char *list, Position after, uint64_t *changed) {
    uint64_t term = after.term, index = after.index;
    for (const char *item = first_item(list); item != NULL; item = next_item(item)) {
        Kind kind = COMMAND;
        uint64_t count = 1;
        if (*item == '{' && field(item, "term") != NULL) {
            kind = TERM;
            term = number_of(item, "term");
        } else if (*item == '{' && field(item, "config") != NULL) {
            kind = CONFIG;
        } else if (*item == '{') {
            count = number_of(item, "commands");
        }
        for (; count > 0; count--) {
            index++;
            if (index <= node->last && term_at(node, index) == term) continue;
            if (*changed == 0) *changed = index;
            node->last = index - 1; /* what conflicts is dropped, with all that follows it */
            append(node, (Entry){term, kind});
            if (kind == CONFIG) read_voters(node, field(field(item, "config"), "voters"));
        }
    }
    return index;
}

/* Actions */

static Buffer *action(Node *node, const char *type) {
    put(&node->actions, "%s{\"type\":\"%s\"", node->actions.length ? "," : "", type);
    return &node->actions;
}

static void set_timer(Node *node) { put(action(node, "set_election_timeout"), "}"); }

static void put_vote(Buffer *out, const Node *node) {
    if (node->voted)
        put(out, "%" PRIu64, node->voted_for);
    else
        put(out, "%s", NOBODY);
}

static void save_term(Node *node) {
    put(action(node, "save_current_term"), ",\"term\":%" PRIu64 "}", node->current_term);
}

static void save_vote(Node *node) {
    Buffer *out = action(node, "save_voted_for");
    put(out, ",\"voted_for\":");
    put_vote(out, node);
    put(out, "}");
}

static void save_entries(Node *node, uint64_t after) {
    Buffer *out = action(node, "append_log_entries");
    put(out, ",\"prev_position\":");
    put_position(out, (Position){term_at(node, after), after});
    put(out, ",\"entries\":");
    put_entries(out, node, after);
    put(out, "}");
}

static void put_header(Buffer *out, const Node *node, const char *type, uint64_t seqno) {
    put(out, "\"message\":{\"type\":\"%s\",\"from\":%" PRIu64 ",\"term\":%" PRIu64, type, node->id,
        node->current_term);
    put(out, ",\"seqno\":%" PRIu64 ",", seqno);
}

static Buffer *message_to(Node *node, uint64_t to, const char *type, uint64_t seqno) {
    Buffer *out = action(node, "send_message");
    put(out, ",\"to\":%" PRIu64 ",", to);
    put_header(out, node, type, seqno);
    return out;
}

static void send_call(Node *node, int peer) {
    uint64_t after = node->next_index[peer] - 1;
    Buffer *out = message_to(node, node->voters[peer], "append_entries_call", ++node->seqno);
    put(out, "\"commit_index\":%" PRIu64 ",\"prev_position\":", node->commit);
    put_position(out, (Position){term_at(node, after), after});
    put(out, ",\"entries\":");
    put_entries(out, node, after);
    put(out, "}}");
}

static void call_all(Node *node) {
    set_timer(node);
    for (int i = 0; i < node->voter_count; i++)
        if (node->voters[i] != node->id) send_call(node, i);
}

/* Rules for Servers (F2) */

static bool is_majority(const Node *node, int count) { return 2 * count > node->voter_count; }

static void advance_commit(Node *node) { /* §5.3, §5.4.2 */
    for (uint64_t index = node->last; index > node->commit; index--) {
        int holders = 0;
        for (int i = 0; i < node->voter_count; i++)
            holders += node->voters[i] == node->id || node->match_index[i] >= index;
        if (!is_majority(node, holders)) continue;
        if (term_at(node, index) == node->current_term) node->commit = index;
        return;
    }
}

static void append_as_leader(Node *node, Kind kind) {
    append(node, (Entry){node->current_term, kind});
    save_entries(node, node->last - 1);
    call_all(node);
    advance_commit(node); /* alone, it is a majority */
}

static void lead_if_elected(Node *node) {
    int votes = 0;
    for (int i = 0; i < node->voter_count; i++) votes += node->granted[i];
    if (!is_majority(node, votes)) return;
    node->role = LEADER;
    node->knows_leader = true;
    node->leader = node->id;
    for (int i = 0; i < node->voter_count; i++) {
        node->next_index[i] = node->last + 1;
        node->match_index[i] = 0;
    }
    append_as_leader(node, TERM); /* §8 */
}

static void start_election(Node *node) { /* §5.2 */
    node->role = CANDIDATE;
    node->knows_leader = false;
    node->current_term++;
    node->voted = true;
    node->voted_for = node->id;
    set_timer(node);
    save_term(node);
    save_vote(node);
    for (int i = 0; i < node->voter_count; i++) node->granted[i] = node->voters[i] == node->id;
    Buffer *out = action(node, "broadcast_message");
    put(out, ",\"to\":");
    put_ids(out, node, true);
    put(out, ",");
    put_header(out, node, "request_vote_call", ++node->seqno);
    put(out, "\"last_position\":");
    put_position(out, last_position(node));
    put(out, "}}");
    lead_if_elected(node);
}

static void become_follower(Node *node, uint64_t term) { /* §5.1 */
    if (node->role == LEADER) set_timer(node);
    node->role = FOLLOWER;
    node->knows_leader = false;
    node->current_term = term;
    node->voted = false;
    save_term(node);
    save_vote(node);
}

/* RPCs (F2) */

static void request_vote(Node *node, const char *call, uint64_t from, uint64_t term) {
    Position theirs = read_position(field(call, "last_position")), ours = last_position(node);
    bool up_to_date = theirs.term > ours.term ||
                      (theirs.term == ours.term && theirs.index >= ours.index); /* §5.4.1 */
    bool grants = term == node->current_term && up_to_date &&
                  (!node->voted || node->voted_for == from);
    if (grants) {
        if (!node->voted) {
            node->voted = true;
            node->voted_for = from;
            save_vote(node);
        }
        set_timer(node);
    }
    put(message_to(node, from, "request_vote_reply", number_of(call, "seqno")),
        "\"vote_granted\":%s}}", grants ? "true" : "false");
}

static void append_entries(Node *node, const char *call, uint64_t from, uint64_t term) {
    bool accepted = false, current = term == node->current_term;
    if (current) {
        node->role = FOLLOWER;
        node->knows_leader = true;
        node->leader = from;
        set_timer(node);
        Position prev = read_position(field(call, "prev_position"));
        accepted = contains(node, prev);
        if (accepted) {
            uint64_t changed = 0, commit = number_of(call, "commit_index");
            uint64_t last_new = take_entries(node, field(call, "entries"), prev, &changed);
            if (changed) save_entries(node, changed - 1);
            if (commit > last_new) commit = last_new;
            if (commit > node->commit) node->commit = commit;
        }
    }
    uint64_t seqno = current ? number_of(call, "seqno") : 0;
    Buffer *out = message_to(node, from, "append_entries_reply", seqno);
    put(out, "\"last_position\":");
    put_position(out, last_position(node));
    put(out, ",\"accepted\":%s}}", accepted ? "true" : "false");
}

static void append_entries_reply(Node *node, const char *reply, int peer) {
    Position theirs = read_position(field(reply, "last_position"));
    uint64_t *next = &node->next_index[peer], *match = &node->match_index[peer];
    if (is_true(field(reply, "accepted"))) {
        if (contains(node, theirs) && theirs.index > *match) { /* so are all before (§5.3) */
            *match = theirs.index;
            *next = *match + 1;
            advance_commit(node);
        }
        return;
    }
    if (theirs.index + 1 < *next)
        *next = theirs.index + 1;
    else if (*next > 1)
        (*next)--;
    if (*next <= *match) *next = *match + 1;
    send_call(node, peer);
}

static void receive(Node *node, const char *message) {
    const char *type = field(message, "type");
    uint64_t from = number_of(message, "from"), term = number_of(message, "term");
    int peer = place_of(node, from);
    if (from == node->id) return;
    if (term > node->current_term) become_follower(node, term);
    if (is_string(type, "request_vote_call")) {
        request_vote(node, message, from, term);
    } else if (is_string(type, "append_entries_call")) {
        append_entries(node, message, from, term);
    } else if (peer < 0) {
        return;
    } else if (is_string(type, "request_vote_reply")) {
#ifndef STALE_VOTES
        if (term < node->current_term) return;
#endif
        if (node->role != CANDIDATE || !is_true(field(message, "vote_granted"))) return;
        node->granted[peer] = true;
        lead_if_elected(node);
    } else if (node->role == LEADER && term == node->current_term) {
        append_entries_reply(node, message, peer);
    }
}

/* Requests */

static Node *node_named(uint64_t id) {
    for (int i = 0; i < MOST_NODES; i++)
        if (nodes[i].used && nodes[i].id == id) return &nodes[i];
    return NULL;
}

static Node *start(uint64_t id) {
    Node *node = node_named(id);
    for (int i = 0; node == NULL && i < MOST_NODES; i++)
        if (!nodes[i].used) node = &nodes[i];
    if (node == NULL) exit(2);
    free(node->log);
    free(node->actions.text);
    *node = (Node){.id = id, .used = true};
    return node;
}

static void restart(Node *node, const char *event) {
    const char *vote = field(event, "voted_for"), *log = field(event, "log");
    uint64_t changed = 0;
    node->current_term = number_of(event, "current_term");
    node->voted = !is_null(vote);
    if (node->voted) node->voted_for = number(vote);
    take_entries(node, field(log, "entries"), (Position){0, 0}, &changed);
    set_timer(node);
}

/* What happens to the node; its outcome is written. */
static void handle(Node *node, const char *event, Buffer *out) {
    const char *kind = field(event, "kind");
    if (is_string(kind, "message")) {
        receive(node, field(event, "message"));
    } else if (is_string(kind, "restart")) {
        restart(node, event);
    } else if (is_string(kind, "election_timeout")) {
        if (node->role == LEADER)
            call_all(node);
        else if (place_of(node, node->id) >= 0)
            start_election(node);
        else
            set_timer(node);
    } else if (is_string(kind, "heartbeat")) {
        if (node->role == LEADER) {
            put(out, "{\"seqno\":%" PRIu64 "}", node->seqno + 1);
            call_all(node);
        } else {
            put(out, "false");
        }
        return;
    } else if (is_string(kind, "propose_command") && node->role == LEADER) {
        append_as_leader(node, COMMAND);
        put_position(out, last_position(node));
        return;
    } else if (is_string(kind, "create_cluster") && node->last == 0) {
        read_voters(node, field(event, "voters"));
        append(node, (Entry){0, CONFIG});
        save_entries(node, 0);
        put_position(out, last_position(node));
        return;
    }
    put(out, "%s", NOBODY);
}

static void put_state(Buffer *out, const Node *node) {
    static const char *const ROLES[] = {"follower", "candidate", "leader"};
    put(out, "{\"role\":\"%s\",\"current_term\":%" PRIu64 ",\"voted_for\":", ROLES[node->role],
        node->current_term);
    put_vote(out, node);
    put(out, ",\"commit_index\":%" PRIu64 ",\"last_position\":", node->commit);
    put_position(out, last_position(node));
    put(out, ",\"snapshot_position\":{\"term\":0,\"index\":0},\"config\":");
    put_config(out, node);
    put(out, ",\"leader\":");
    if (node->knows_leader)
        put(out, "%" PRIu64 "}", node->leader);
    else
        put(out, "%s}", NOBODY);
}

static void answer(const char *request, Buffer *out) {
    const char *event = field(request, "event"), *drain = field(request, "drain");
    uint64_t id = number_of(request, "node");
    bool comes_up = event != NULL && (is_string(field(event, "kind"), "start") ||
                                      is_string(field(event, "kind"), "restart"));
    Node *node = comes_up ? start(id) : node_named(id);
    if (node == NULL) exit(2);
    put(out, "{\"outcome\":");
    if (event != NULL)
        handle(node, event, out);
    else
        put(out, "%s", NOBODY);
    if (drain == NULL || is_true(drain)) {
        put(out, ",\"actions\":[%s]", node->actions.length ? node->actions.text : "");
        clear(&node->actions);
    }
    put(out, ",\"state\":");
    put_state(out, node);
    put(out, "}\n");
}

int main(void) {
    char *line = NULL;
    size_t room = 0;
    Buffer out = {0};
    if (getline(&line, &room, stdin) < 0) return 0; /* the offer: there is one version to speak */
    put(&out,
        "{\"format\":\"raftbare-subject\",\"version\":1,\"implementation\":\"raft.c\",\"lacks\":["
        "\"snapshots\",\"changes\",\"joint_changes\",\"non_voters\",\"step_down\",\"transfer\","
        "\"limits\",\"refusals\"]}\n");
    do {
        fputs(out.text, stdout);
        fflush(stdout);
        clear(&out);
        if (getline(&line, &room, stdin) < 0) return 0;
        answer(line, &out);
    } while (true);
}
