// Selecting: by keys, clicks, search, and the address, so that a link leads to an event.

function select(place, follow = true) {
  view.selected = Math.min(count, Math.max(1, place));
  if (view.causes) view.causes = causesOf(view.selected);
  drawEvent();
  drawLogs();
  measure();
  if (follow) bring(view.selected);
  redraw();
  if (location.hash !== `#${view.selected}`) history.replaceState(null, "", `#${view.selected}`);
}

function redraw() {
  draw();
  drawHeads();
  drawMap();
}

function resized() {
  measure();
  redraw();
}

// Scrolls so that an event is in view, in the middle if it was out of it.
function bring(place) {
  const y = rowY(place), margin = row() * 1.5;
  if (y - margin < view.top || y + margin > view.top + view.height) goTo(y - view.height / 2);
}

function goTo(top) {
  const high = lay(count);
  view.top = Math.max(0, Math.min(top, high - view.height));
  scroll.scrollTop = view.top;
}

const linked = () => {
  const place = Number.parseInt(location.hash.slice(1), 10);
  return place >= 1 && place <= count ? place : 0;
};

// The next of some places after the selected one, or before it; around the end.
function beyond(places, direction) {
  if (!places.length) return view.selected;
  const number = upTo(places, view.selected - (direction < 0 ? 1 : 0));
  return direction > 0 ? places[number % places.length]
    : places[(number - 1 + places.length) % places.length];
}

function sideways(direction) {
  const places = ofLane[at(view.selected).lane];
  const number = upTo(places, view.selected) - 1 + direction;
  return places[Math.min(places.length - 1, Math.max(0, number))];
}

function zoom(by) {
  measure();
  const shown = rowY(view.selected) - view.top;
  view.size = Math.min(SIZES.length - 1, Math.max(0, view.size + by));
  goTo(rowY(view.selected) - shown);
  bring(view.selected);
  redraw();
}

const DO = {
  first: () => select(1),
  last: () => select(count),
  previous: () => select(view.selected - 1),
  next: () => select(view.selected + 1),
  before: () => select(sideways(-1)),
  after: () => select(sideways(1)),
  wrong: () => select(beyond(wrongPlaces, 1)),
  earlier: () => select(beyond(wrongPlaces, -1)),
  in: () => zoom(1),
  out: () => zoom(-1),
  causes() {
    view.causes = view.causes ? null : causesOf(view.selected);
    document.querySelector("[data-do=causes]").setAttribute("aria-pressed", view.causes !== null);
    draw();
  },
  help() {
    const help = document.getElementById("help");
    help.hidden = !help.hidden;
    document.querySelector("[data-do=help]").setAttribute("aria-expanded", !help.hidden);
    resized();
  },
  search: () => document.getElementById("query").focus(),
};

const KEYS = {
  j: "next", ArrowDown: "next", k: "previous", ArrowUp: "previous", h: "before", ArrowLeft: "before",
  l: "after", ArrowRight: "after", n: "wrong", p: "earlier", c: "causes", "+": "in", "=": "in",
  "-": "out", Home: "first", End: "last", "/": "search", "?": "help",
};

document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.id === "query") return;
  if (event.target.closest(".wide") && event.key.startsWith("Arrow")) return;
  const name = KEYS[event.key];
  if (!name) return;
  event.preventDefault();
  DO[name]();
});

document.getElementById("controls").addEventListener("click", event => {
  const name = event.target.dataset.do;
  if (name) DO[name]();
});

// Search

const query = document.getElementById("query");
let matches = [];

query.addEventListener("input", () => {
  matches = search(query.value);
  view.found = new Set(matches);
  document.getElementById("found").textContent = query.value.trim() ? `${matches.length.toLocaleString("en")} found` : "";
  draw();
});

document.getElementById("controls").addEventListener("submit", event => {
  event.preventDefault();
  if (!matches.length) return;
  select(beyond(matches, 1));
  document.getElementById("found").textContent =
    `${(upTo(matches, view.selected)).toLocaleString("en")} of ${matches.length.toLocaleString("en")}`;
});

query.addEventListener("keydown", event => {
  if (event.key === "Escape") scroll.focus();
});

// The mouse

diagram.addEventListener("click", event => {
  const group = event.target.closest("[data-place]");
  if (group) select(Number(group.dataset.place), false);
});

function fromMap(event) {
  const place = Math.ceil((event.offsetY / view.mapHeight) * count);
  scroll.scrollTop = rowY(place) - view.height / 2;
}
map.addEventListener("pointerdown", event => { map.setPointerCapture(event.pointerId); fromMap(event); });
map.addEventListener("pointermove", event => { if (event.buttons) fromMap(event); });

// The window

let asked = false;
function later() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => { asked = false; resized(); });
}
scroll.addEventListener("scroll", later);
window.addEventListener("resize", later);
window.addEventListener("hashchange", () => { if (linked() && linked() !== view.selected) select(linked()); });
window.addEventListener("beforeprint", () => { document.body.classList.add("printing"); draw(true); });
window.addEventListener("afterprint", () => { document.body.classList.remove("printing"); select(view.selected); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawMap);

const MOST = 20;

const counted = (many, one, more) => many ? `${many.toLocaleString("en")} ${many === 1 ? one : more}` : "";

function drawFindings() {
  const properties = data.wrong.filter(one => !one.departure);
  const ordered = [...properties, ...data.wrong.filter(one => one.departure)];
  const items = ordered.slice(0, MOST).map(one => {
    const where = one.place ? [link(one.place), one.node ? `, server ${one.node}: ` : ": "] : [];
    const item = element("li", { class: one.departure ? "departs" : "wrong" },
      one.departure ? "?? " : "!! ", ...where, element("b", {}, one.name), ` — ${told(one)}`);
    if (one === data.wrong[data.first]) item.classList.add("first");
    return item;
  });
  if (ordered.length > MOST) items.push(element("li", {}, `and ${ordered.length - MOST} more`));
  if (!items.length) return;
  const counts = [counted(properties.length, "!! broken property", "!! broken properties"),
    counted(ordered.length - properties.length, "?? departure from the specification", "?? departures from the specification")];
  const by = properties.length && properties.length < ordered.length ? " (by itself a departure breaks no property)" : "";
  if (items.length > 1) {
    document.getElementById("findings").append(element("p", { class: "count" }, `${counts.filter(Boolean).join(", ")}${by}:`));
  }
  document.getElementById("findings").append(element("ol", {}, ...items));
}

// Who decided wrongly, what should have been done, what was lost.
function drawShort() {
  const items = data.short.flatMap(([question, said, place]) =>
    [element("dt", {}, question), element("dd", {}, said, ...(place ? [" — ", link(place)] : []))]);
  if (items.length) document.getElementById("findings").before(element("dl", { id: "short" }, ...items));
}

if (count) {
  drawShort();
  drawFindings();
  const first = data.first >= 0 ? data.wrong[data.first].place : 0;
  lay(count);
  select(linked() || first || 1);
  scroll.focus({ preventScroll: true });
}
document.documentElement.dataset.ready = "yes";
