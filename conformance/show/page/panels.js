// The panels: the selected event in full, and the logs of all servers at that moment.

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function link(place, text) {
  const made = element("a", { href: `#${place}` }, text || `event ${place}`);
  return made;
}

function listed(title, items) {
  if (!items.length) return [];
  return [element("h3", {}, title), element("ul", {}, ...items.map(item => element("li", {}, ...item)))];
}

function drawEvent() {
  const moment = at(view.selected), node = data.nodes[moment.lane];
  const before = moment.previous ? at(moment.previous).shown : null;
  document.getElementById("event").replaceChildren(
    element("h2", {}, `Event ${moment.place}, server ${node}`),
    element("p", { class: "happened" }, moment.what, ...cause(moment)),
    ...(wrongAt.get(moment.place) || []).flatMap(problem),
    ...order(moment),
    ...(moment.pending
      ? [element("h3", {}, "It does nothing yet"),
        element("p", {}, "What it has to save, write and send is pending: it waits until after a later event, or is lost in a crash.")]
      : listed("It does, in this order", actions(moment))),
    element("h3", {}, "What changed"),
    states(before, moment.shown),
  );
  document.getElementById("said").textContent =
    `Event ${moment.place}, server ${node}: ${says(moment)}`
    + (wrongAt.get(moment.place) || []).map(one => `. ${one.name}: ${told(one)}`).join("");
}

// Where files have no common clock: which order of the others is known.
function order({ place }) {
  if (!data.causal) return [];
  const { before, after } = sureOf(place), open = count - 1 - before - after;
  return [element("p", { class: "order" }, `Of the other events ${before} came before it, ${after}`
    + ` after it, and ${open} may have come before or after.`)];
}

function cause(moment) {
  if (moment.received < 0) return [];
  const one = sendings[moment.received];
  return one.sent ? [" — sent in ", link(one.sent)] : [" — nothing recorded has sent it"];
}

// The actions; a message with where it arrived.
function actions(moment) {
  const numbers = [...moment.sent];
  return moment.actions.map(said => {
    if (!said.startsWith("> ") || !numbers.length) return [said];
    const text = sendings[numbers[0]].text, same = [];
    const many = said.slice(2).split(" ")[0].split(",").length;
    while (numbers.length && same.length < many && sendings[numbers[0]].text === text) same.push(numbers.shift());
    return [`sends ${text} to `, ...same.flatMap((number, index) => [index ? ", " : "", ...ending(sendings[number])])];
  });
}

function ending(one) {
  const parts = [one.to];
  if (one.fate === "unrecorded") return [`${one.to} (not recorded)`];
  if (!one.received.length) return [`${one.to} (never received)`];
  one.received.forEach((place, again) =>
    parts.push(again ? ", again in " : one.fate === "late" ? " (late) in " : " in ", link(place)));
  return parts;
}

// Whether what is wrong with the run is not this departure, but properties that are broken in other events.
function elsewhere(one) {
  const first = data.wrong[data.first];
  return one.departure && !first.departure && first.place > 0 && wrongAt.get(one.place).every(other => other.departure);
}

function problem(one) {
  const sign = one.departure ? "?? Not as specified" : one.node ? "!! Property broken" : "!! Found";
  const parts = [
    element("h3", {}, `${sign}: ${one.name} ${one.source && `(${one.source})`}`),
    ...(one.detail ? [element("p", {}, one.detail)] : []),
  ];
  if (one.note) parts.push(element("p", {}, one.note));
  if (elsewhere(one)) {
    parts.push(element("p", {}, "No property is broken in this event: an implementation may do otherwise than the "
      + "specification, and be Raft. The first property is broken in ", link(data.wrong[data.first].place), "."));
  }
  const rows = differing(one);
  if (rows.length) {
    const body = rows.map(([part, specified, found]) => element("tr", { class: "differs" },
      element("th", { scope: "row" }, part),
      element("td", {}, specified), element("td", {}, found)));
    const head = ["", "the specification", "recorded"].map(name => element("th", { scope: "col" }, name));
    parts.push(
      element("p", {}, one.alone
        ? "What the specification does with this event, in the state that the server showed before:"
        : "What the specification does with this event, after all that came before:"),
      element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...body)));
  } else if (one.rows.length) {
    parts.push(element("p", {}, "By itself this event is as specified: what led here came before."));
  }
  return [element("div", { class: one.departure ? "problem departs" : "problem" }, ...parts)];
}

const ROLES = { F: "follower", C: "candidate", L: "leader" };
const FIELDS = [
  ["role", one => ROLES[one.role]],
  ["term", one => one.term],
  ["vote", one => one.vote],
  ["leader", one => one.leader],
  ["committed", one => one.commit],
  ["log ends at", one => `t${one.lastTerm}i${one.last}`],
  ["snapshot", one => one.snapshot],
  ["members", one => one.members],
  ["term on disk", one => one.saved],
  ["vote on disk", one => one.savedVote],
  ["call confirmed by a quorum", one => one.confirmed],
];

function states(before, after) {
  const rows = FIELDS.map(([name, of]) => {
    const old = before ? String(of(before)) : "", now = String(of(after));
    const differs = before !== null && old !== now;
    return element("tr", differs ? { class: "changed" } : {},
      element("th", { scope: "row" }, name), element("td", {}, old),
      element("td", {}, differs ? element("mark", {}, now) : now));
  });
  const head = ["", "before", "after"].map(name => element("th", { scope: "col" }, name));
  return element("table", { class: "states" },
    element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows));
}

// Logs, one under the other by index

const CELLS = 48;

function drawLogs() {
  const { lane: own, previous } = at(view.selected);
  const known = data.nodes.map((_, lane) => latest(lane, view.selected));
  const logs = data.nodes.map((_, lane) => logAt(lane, view.selected));
  const before = previous ? logAt(own, previous) : null;
  const ends = known.map(moment => moment ? Number(moment.shown.last) : 0);
  const last = Math.max(1, before ? endOf(before) : 0, ...ends);
  const first = Math.max(1, last - CELLS + 1);
  const indices = Array.from({ length: last - first + 1 }, (_, offset) => first + offset);
  const head = element("tr", {}, element("th", {}, "index"), ...indices.map(index => element("th", { scope: "col" }, index)));
  const rows = data.nodes.map((name, lane) => element("tr", lane === own ? { class: "own" } : {},
    element("th", { scope: "row" }, name),
    ...indices.map(index => entry(index, logs[lane], known[lane], termsAt(logs, known, index), lane === own && before))));
  document.getElementById("logs").replaceChildren(
    element("h2", {}, `Logs after event ${view.selected}`),
    element("p", { class: "legend" }, "2c: a command of term 2; 2T: opens the term; 2M: a membership; ▒: in the snapshot. "
      + "Solid below: the server knows that it is committed. "
      + "Dashed, ·: in its memory and not on its disk yet; only the last one's term is told. "
      + "Red, ≠: not what another server knows to be committed there. "
      + "Blue: written in this event; struck out: removed in it."
      + (first > 1 ? ` Before index ${first} is left out.` : "")),
    element("div", { class: "wide", tabindex: "0" }, element("table", { class: "logs" },
      element("thead", {}, head), element("tbody", {}, ...rows))));
}

// What the servers have at an index, of those that know it to be committed.
function termsAt(logs, known, index) {
  return new Set(logs.flatMap((log, lane) =>
    known[lane] && Number(known[lane].shown.commit) >= index && termAt(log, index) !== null && index > log.index
      ? [termAt(log, index)] : []));
}

// `before`: the log before the selected event, of the server that it is of.
function entry(index, log, moment, committed, before) {
  const old = before ? runAt(before, index) : undefined;
  if (!moment || index > Math.max(Number(moment.shown.last), log.index)) {
    return old ? element("td", { class: "removed", title: `index ${index}, ${old[3]}, removed` }, old[3]) : element("td", {});
  }
  if (index <= log.index) return element("td", { class: "snapshot", title: `in the snapshot up to ${log.index}` }, "▒");
  const run = runAt(log, index);
  if (!run) {
    const { last, lastTerm } = moment.shown, known = index === Number(last);
    const title = `index ${index}, ${known ? `of term ${lastTerm}, ` : ""}not on its disk`;
    return element("td", { class: "unsaved", title }, known ? `${lastTerm}·` : "·");
  }
  const [, , term, holds] = run, done = Number(moment.shown.commit) >= index;
  const otherwise = [...committed].some(other => other !== term);
  const written = before && (!old || old[3] !== holds);
  const classes = ["entry", done && "committed", written && "written", otherwise && "differs"].filter(Boolean).join(" ");
  const beyond = index > Number(moment.shown.last) ? ", still on its disk" : "";
  const was = !written ? "" : old ? `, written over ${old[3]}` : ", written";
  return element("td", { class: classes, style: hue(term), title: `index ${index}, ${holds}${done ? ", committed" : ""}${was}${beyond}` },
    holds.length > 3 ? `${term}M` : holds, otherwise ? "≠" : "");
}
