// The diagram: the events that are in view, in SVG, and a map of the whole run beside it.

const SIZES = [2, 6, 13, 24, 40];
const LANE = lanes > 9 ? 58 : lanes > 5 ? 84 : 110;
const LEFT = 62;
const TEXT = LEFT + lanes * LANE;
const CHARACTER = 7.3; // of the monospaced 12 px

const scroll = document.getElementById("scroll");
const extent = document.getElementById("extent");
const diagram = document.getElementById("diagram");
const map = document.getElementById("map");

const view = { size: 3, selected: 1, causes: null, found: new Set(), top: 0, left: 0, width: 0, height: 0 };

// Reads what the browser has to lay the page out for: once, before anything is drawn.
function measure() {
  const { scrollTop: top, scrollLeft: left, clientWidth: width, clientHeight: height } = scroll;
  Object.assign(view, { top, left, width, height, mapWidth: map.clientWidth, mapHeight: map.clientHeight });
}

const row = () => SIZES[view.size];
const laneX = lane => LEFT + lane * LANE + LANE / 2;
const rowY = place => (place - 0.5) * row();

// Of a term: neighbours differ, and none is as red as what is wrong.
const colour = term => Math.round(75 + (Number(term) * 139) % 225);
const hue = term => `--hue:${colour(term)}`;

function svg(name, attributes, text) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

// Makes room for so many rows, and returns how high it is.
function lay(rows) {
  const high = rows * row() + 12;
  extent.style.height = `${high}px`;
  document.getElementById("run").style.setProperty("--rows", `${high}px`);
  return high;
}

// Draws the events that can be seen, and `more` rows besides; all where a page is printed.
function draw(all = false) {
  const high = row(), shown = Math.ceil(view.height / high) + 2;
  const first = all ? 1 : Math.max(1, Math.floor(view.top / high) - 10);
  const last = all ? Math.min(count, 2000) : Math.min(count, first + shown + 20);
  const top = (first - 1) * high;
  const width = Math.max(view.width - 2, TEXT + 240);
  if (all) lay(last);
  diagram.setAttribute("viewBox", `0 ${top} ${width} ${(last - first + 1) * high + 12}`);
  diagram.setAttribute("width", width);
  diagram.setAttribute("height", (last - first + 1) * high + 12);
  diagram.style.top = `${top}px`;
  const parts = [], labels = [], over = [], room = new Room(), near = nearby(first, last);
  for (let place = first; place <= last; place++) room.take(laneX(at(place).lane), rowY(place), 16);
  marks(parts, first, last, width);
  for (const one of near) lost(over, room, one);
  for (let lane = 0; lane < lanes; lane++) bands(parts, labels, room, lane, first, last);
  parts.push(...over);
  const arrows = near.flatMap(one => one.received.map((place, again) => ({ one, place, again })));
  const span = ({ one, place }) => place - (one.sent || place);
  arrows.sort((one, other) => span(one) - span(other)); // the shortest has the least room for its name
  for (const { one, place, again } of arrows) arrow(parts, room, one, place, again);
  events(parts, first, last, width);
  diagram.replaceChildren(...parts, ...labels);
}

// What is selected, found, or wrong, across the whole row.
function marks(parts, first, last, width) {
  const high = row();
  for (let place = first; place <= last; place++) {
    const wrong = wrongAt.get(place);
    const classes = [];
    if (wrong) classes.push(wrong.every(one => one.departure) ? "departs" : "wrong");
    if (view.found.has(place)) classes.push("found");
    if (place === view.selected) classes.push("selected");
    for (const name of classes) {
      parts.push(svg("rect", { x: 0, y: (place - 1) * high, width, height: high, class: `row ${name}` }));
    }
  }
}

// A lane: its terms as bands, its roles as lines.
function bands(parts, labels, room, lane, first, last) {
  const x = laneX(lane), places = ofLane[lane];
  let number = Math.max(0, upTo(places, first) - 1);
  for (; number < places.length && places[number] <= last; number++) {
    const moment = at(places[number]), { role, term } = moment.shown;
    const next = places[number + 1] || count;
    const from = Math.max(rowY(moment.place), (first - 2) * row());
    const down = number + 1 < places.length && at(next).glyph === "^";
    const to = Math.min(rowY(next), (last + 2) * row());
    if (to <= from) continue;
    if (!down) parts.push(svg("rect", { x: x - 11, y: from, width: 22, height: to - from, class: "term", style: hue(term) }));
    parts.push(svg("path", { d: `M${x} ${from}V${to}`, class: `line ${down ? "down" : role}` }));
    const news = row() >= 13 && moment.place >= first ? newsOf(moment) : "";
    if (!news) continue;
    const wide = news.length * 6.1, off = (15 + wide / 2) * (lane ? 1 : -1), y = rowY(moment.place) + 10;
    const [centre] = room.find([[x + off, y], [x - off, y]], wide);
    labels.push(svg("text", { x: centre, y: y + 4, class: "label" }, news));
  }
}

// The term and the vote, where they are others than before.
function newsOf({ shown, previous }) {
  const before = previous ? at(previous).shown : { vote: "nobody" };
  const term = shown.term === before.term ? "" : `t${shown.term}`;
  const voted = shown.vote !== "nobody" && (term || shown.vote !== before.vote);
  return `${term} ${voted ? `v${shown.vote}` : ""}`.trim();
}

// What is taken up by signs and texts, as boxes about their centres: a text looks for a place beside them.
class Room {
  taken = [];

  take(x, y, wide) { this.taken.push([x, y, wide]); }

  free(x, y, wide) {
    return this.taken.every(([x2, y2, wide2]) => Math.abs(x - x2) > (wide + wide2) / 2 || Math.abs(y - y2) > 11);
  }

  // The first place that is free, or else the first one.
  find(places, wide) {
    const found = places.find(([x, y]) => this.free(x, y, wide)) || places[0];
    this.take(...found, wide);
    return found;
  }
}

// The messages with an end in view.
function nearby(first, last) {
  const near = new Set();
  for (let place = Math.max(1, first - 30); place <= last; place++) {
    for (const number of at(place).sent) near.add(number);
    if (at(place).received >= 0) near.add(at(place).received);
  }
  return [...near].map(number => sendings[number]);
}

function lit(place) {
  return !view.causes || view.causes[place] ? "" : " dim";
}

function lost(parts, room, one) {
  if (one.received.length || !one.sent || one.toLane < 0 || one.toLane === one.lane) return;
  const x = laneX(one.lane), y = rowY(one.sent);
  const x2 = x + Math.sign(laneX(one.toLane) - x) * LANE * 0.42, y2 = y + row() * 0.45;
  parts.push(svg("path", { d: `M${x} ${y}L${x2} ${y2}`, class: `message lost${lit(one.sent)}` }));
  if (row() < 13) return;
  room.take(x2, y2, 9);
  parts.push(svg("text", { x: x2, y: y2 + 4, class: `cross${lit(one.sent)}` }, "×"));
}

function arrow(parts, room, one, place, again) {
  const x2 = laneX(at(place).lane), y2 = rowY(place);
  const known = one.sent > 0;
  const x = known ? laneX(one.lane) : x2 + LANE * 0.45, y = known ? rowY(one.sent) : y2;
  const fate = again ? "repeated" : one.fate === "repeated" ? "received" : one.fate;
  const length = Math.hypot(x2 - x, y2 - y) || 1, short = (length - 9) / length;
  const endX = x + (x2 - x) * short, endY = y + (y2 - y) * short;
  const name = `message ${fate}${lit(place)}`;
  parts.push(svg("path", { d: `M${x} ${y}L${endX} ${endY}`, class: name, "marker-end": "url(#head)" }));
  if (row() < 24) return;
  // What is out of its order is told with its term: that is what decides about it.
  const odd = known ? { late: "late", repeated: "again" }[fate] : "from nowhere";
  const said = [one.name, ...(odd ? [one.term === "" ? "" : `t${one.term}`, odd] : [])].filter(Boolean).join(" ");
  const part = Math.abs(x2 - x) > LANE * 1.2 ? 0.75 : 0.6;
  const places = [part, 0.5, 0.4, 0.3, 0.85, 0.2].map(part => [x + (x2 - x) * part, y + (y2 - y) * part]);
  const [nameX, nameY] = room.find(places, said.length * 6.4);
  parts.push(svg("text", { x: nameX, y: nameY + 3, class: `name${lit(place)}` }, said));
}

// As much of a text as has room, in whole words.
function fitting(said, most) {
  if (said.length <= most) return said;
  const short = said.slice(0, most - 1);
  return `${short.slice(0, Math.max(short.lastIndexOf(" "), most >> 1))}…`;
}

function events(parts, first, last, width) {
  const size = row(), small = size < 13, most = Math.floor((width - TEXT - 12) / CHARACTER);
  for (let place = first; place <= last; place++) {
    const moment = at(place), x = laneX(moment.lane), y = rowY(place);
    const wrong = wrongAt.get(place);
    const departs = wrong && wrong.every(one => one.departure), bad = wrong ? (departs ? " departs" : " bad") : "";
    const group = svg("g", { class: `event${lit(place)}${moment.pending ? " hollow" : ""}${bad}`, "data-place": place });
    if (!small) group.append(svg("rect", { x: 0, y: (place - 1) * size, width: 4000, height: size, class: "hit" }));
    group.append(svg("circle", { cx: x, cy: y, r: small ? Math.min(3, size / 2) : 8, class: "dot" }));
    if (!small) {
      group.append(svg("text", { x, y: y + 4, class: "glyph" }, moment.glyph));
      group.append(svg("text", { x: LEFT - 14, y: y + 4, class: "place" }, place));
      const said = `${wrong ? (departs ? "?? " : "!! ") : ""}${cell(moment.shown)}  ${says(moment)}`;
      const text = svg("text", { x: TEXT + 6, y: y + 4, class: "what" }, fitting(said, most));
      text.append(svg("title", {}, said));
      group.append(text);
    }
    parts.push(group);
  }
  const head = svg("marker", { id: "head", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" });
  head.append(svg("path", { d: "M0 0L8 4L0 8Z", class: "tip" }));
  parts.unshift(head);
}

// The servers' names above their lanes, with what they are at the selected event.
function drawHeads() {
  const heads = document.getElementById("heads");
  heads.replaceChildren(...data.nodes.map((name, lane) => {
    const head = document.createElement("div"), moment = latest(lane, view.selected);
    head.style.left = `${laneX(lane) - LANE / 2 - view.left}px`;
    head.style.width = `${LANE}px`;
    const label = document.createElement("b");
    label.textContent = lanes > 9 ? name : `server ${name}`;
    const state = document.createElement("span");
    state.textContent = moment ? cell(moment.shown) : "";
    head.append(label, state);
    return head;
  }));
}

// The whole run: a column a server, coloured by its term, and what is wrong.  It is painted once for
// each size, and what is in view is framed.
const painted = { canvas: document.createElement("canvas"), as: "" };

function drawMap() {
  const ratio = window.devicePixelRatio || 1, width = view.mapWidth, height = view.mapHeight;
  const dark = matchMedia("(prefers-color-scheme: dark)").matches, as = `${width} ${height} ${ratio} ${dark}`;
  if (!width || !height) return;
  if (painted.as !== as) {
    painted.as = as;
    paintMap(sized(painted.canvas, width, height, ratio), width, height, dark);
  }
  const paint = sized(map, width, height, ratio);
  paint.drawImage(painted.canvas, 0, 0, width, height);
  const shown = Math.max(3, (view.height / row() / count) * height);
  paint.strokeStyle = dark ? "#fff" : "#000";
  paint.strokeRect(0.5, (view.top / row() / count) * height + 0.5, width - 1, Math.min(height, shown) - 1);
}

function sized(canvas, width, height, ratio) {
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  const paint = canvas.getContext("2d");
  paint.scale(ratio, ratio);
  return paint;
}

function paintMap(paint, width, height, dark) {
  const column = (width - 8) / lanes, y = place => ((place - 1) / count) * height;
  ofLane.forEach((places, lane) => {
    for (let number = 0, next; number < places.length; number = next) {
      const { term, role } = at(places[number]).shown;
      const same = ({ shown }) => shown.term === term && shown.role === role;
      for (next = number + 1; next < places.length && same(at(places[next]));) next++;
      const from = y(places[number]), to = next < places.length ? y(places[next]) : height;
      paint.fillStyle = `hsl(${colour(term)} 55% ${dark ? 45 : 70}%)`;
      const wide = role === "L" ? column : column * 0.5;
      paint.fillRect(lane * column, from, wide - 1, Math.max(0.5, to - from));
    }
  });
  for (const one of data.wrong) {
    if (!one.place) continue;
    paint.fillStyle = one.departure ? "#d08000" : "#e00020";
    paint.fillRect(width - 8, y(one.place) - 1, 8, 3);
  }
}
