// The run: what the page was given, and what follows from it.  A place is an event's number, from 1.

const data = JSON.parse(document.getElementById("data").textContent);
const lanes = data.nodes.length;
const count = data.moments.length;

const moments = data.moments.map(
  ([lane, glyph, kind, state, what, changes, received, actions, sent, log], index) => {
    const [role, term, vote, commit, lastTerm, last, snapshot, members, leader, saved, savedVote, confirmed] = state;
    const shown = { role, term, vote, commit, lastTerm, last, snapshot, members, leader, saved, savedVote, confirmed };
    const pending = actions[0] === data.pending;
    return { place: index + 1, lane, glyph, kind, shown, what, changes, received, actions, pending, sent, log };
  });

const sendings = data.sendings.map(([text, name, term, lane, toLane, from, to, sent, received, fate]) =>
  ({ text, name, term, lane, toLane, from, to, sent, received, fate }));

const wrongAt = new Map();
for (const one of data.wrong) {
  if (!wrongAt.has(one.place)) wrongAt.set(one.place, []);
  wrongAt.get(one.place).push(one);
}
const wrongPlaces = [...wrongAt.keys()].filter(place => place > 0).sort((a, b) => a - b);

const ofLane = Array.from({ length: lanes }, () => []);
for (const moment of moments) {
  const own = ofLane[moment.lane];
  moment.previous = own.length ? own[own.length - 1] : 0;
  own.push(moment.place);
}

const at = place => moments[place - 1];

// How many of these ascending places are not after one.
function upTo(places, place) {
  let low = 0, high = places.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (places[middle] <= place) low = middle + 1; else high = middle;
  }
  return low;
}

// The latest event of a server up to a place, if it has had one.
function latest(lane, place) {
  const known = upTo(ofLane[lane], place);
  return known ? at(ofLane[lane][known - 1]) : null;
}

// Which events one can depend on: a byte for each place (Lamport's happened before).
function causesOf(place) {
  const seen = new Uint8Array(count + 1), left = [place];
  while (left.length) {
    const one = left.pop();
    if (!one || seen[one]) continue;
    seen[one] = 1;
    const { previous, received } = at(one);
    left.push(previous);
    if (received >= 0) left.push(sendings[received].sent);
  }
  return seen;
}

// How many events came before one for sure, and how many after it.
function sureOf(place) {
  const before = causesOf(place), after = new Uint8Array(count + 1);
  after[place] = 1;
  for (let next = place + 1; next <= count; next++) {
    const { previous, received } = at(next);
    if (after[previous] || (received >= 0 && after[sendings[received].sent])) after[next] = 1;
  }
  const many = seen => seen.reduce((sum, one) => sum + one, -1);
  return { before: many(before), after: many(after) };
}

// Logs, as runs of equal entries: [first index, how many, term, what it holds].  A server's log at any
// event is made from a copy that is kept of every few of its events.

const EVERY = 64;
const kept = Array.from({ length: lanes }, () => [{ term: 0, index: 0, runs: [] }]);

const endOf = ({ index, runs }) => runs.length ? runs.at(-1)[0] + runs.at(-1)[1] - 1 : index;
const copyOf = ({ term, index, runs }) => ({ term, index, runs: runs.map(run => [...run]) });

function runAt({ runs }, index) {
  return runs.find(([first, many]) => first <= index && index < first + many);
}

function termAt(log, index) {
  const run = runAt(log, index);
  return run ? run[2] : index === log.index ? log.term : null;
}

// Changes a log as one record did.
function change(log, [what, term, position, entries]) {
  const index = Number(position);
  if (what === "snapshot") {
    const keeps = termAt(log, index) === term;
    log.runs = keeps ? log.runs.flatMap(run => after(run, index)) : [];
  } else if (what === "new" || index < log.index || index > endOf(log)) {
    log.runs = [];
  } else {
    cut(log.runs, index);
    extend(log.runs, index + 1, entries);
    return;
  }
  Object.assign(log, { term, index });
  if (entries) extend(log.runs, index + 1, entries);
}

function after([first, many, term, holds], index) {
  const from = Math.max(first, index + 1), end = first + many;
  return from < end ? [[from, end - from, term, holds]] : [];
}

function cut(runs, last) {
  while (runs.length && runs.at(-1)[0] > last) runs.pop();
  const end = runs.at(-1);
  if (end) end[1] = Math.min(end[1], last - end[0] + 1);
}

function extend(runs, next, entries) {
  for (const [many, term, holds] of entries) {
    const end = runs.at(-1);
    if (end && end[3] === holds) end[1] += many; else runs.push([next, many, term, holds]);
    next += many;
  }
}

// The log on a server's disk at the end of its latest event up to a place.
function logAt(lane, place) {
  const places = ofLane[lane], wanted = upTo(places, place), known = kept[lane];
  const copy = Math.min(known.length - 1, Math.floor(wanted / EVERY));
  const log = copyOf(known[copy]);
  for (let done = copy * EVERY; done < wanted; done++) {
    if (done && done % EVERY === 0 && known.length === done / EVERY) known.push(copyOf(log));
    for (const one of at(places[done]).log) change(log, one);
  }
  return log;
}

// Words

function receivers(numbers) {
  const marks = { lost: "×", late: " (late)", repeated: " (again)", unrecorded: "?" };
  return numbers.map(number => sendings[number].to + (marks[sendings[number].fate] || "")).join(", ");
}

// What the specification does otherwise: [part, specified, found].
const differing = ({ rows }) => rows.filter(([, specified, found]) => specified !== found);

// What is wrong, in a line.
function told(one) {
  const rows = one.departure ? differing(one) : [];
  const others = rows.map(([part, specified, found]) => `${part}: specified ${specified}, recorded ${found}`);
  return [one.detail, ...others].filter(Boolean).join("; ");
}

const cell = ({ role, term, commit, last }) => `${role}${term} ${commit}/${last}`;
const says = moment => [moment.what, ...moment.changes, ...moment.actions].join("; ");

function searched(place) {
  const moment = at(place), wrong = wrongAt.get(place) || [];
  return `${moment.kind} ${says(moment)} ${wrong.map(one => `${one.name} ${told(one)}`).join(" ")}`
    .toLowerCase();
}

// The events that a query means: `node 2`, `term 5`, `event 7`, and words that all have to be there.
function search(query) {
  const tests = [];
  const words = query.toLowerCase().replace(/\b(node|term|event)\s+(\d+)/g, (_, what, number) => {
    if (what === "node") tests.push(moment => data.nodes[moment.lane] === number);
    if (what === "term") tests.push(moment => String(moment.shown.term) === number);
    if (what === "event") tests.push(moment => String(moment.place) === number);
    return " ";
  }).split(/\s+/).filter(Boolean);
  if (!tests.length && !words.length) return [];
  if (words.length) {
    tests.push(moment => {
      const text = searched(moment.place);
      return words.every(word => text.includes(word));
    });
  }
  return moments.filter(moment => tests.every(test => test(moment))).map(moment => moment.place);
}
