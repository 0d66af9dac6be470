// The grid of one run: built from one answer, kept up by the run's stream. Rows are laid out when they are looked at
// (content-visibility), built a few at a time, and changed once per frame however many results come in.

const SIGNS = { ok: "✓", changed: "▲", skipped: "–", failed: "✕", unreachable: "◇", lost: "?", cancelled: "∅", interrupted: "‖", running: "…" };
const RANK = ["running", "skipped", "ok", "changed", "cancelled", "interrupted", "unreachable", "lost", "failed"];
const WENT_WRONG = ["failed", "unreachable", "lost", "cancelled", "interrupted"];
const CELLS_AT_ONCE = 600;
const NARROWEST_NAME = 96, CHARACTER = 7.4;

class Grid {
  constructor(box) {
    this.box = box;
    this.head = box.querySelector(".tasks");
    this.pinned = box.querySelector(".pinned");
    this.pointed = document.getElementById("pointed");
    this.tasks = [];           // {id, name, play}
    this.columns = new Map();  // task id -> column
    this.rows = new Map();     // host -> row
    this.states = [];          // row -> column -> state
    this.hosts = [];
    this.waiting = new Map();  // "row:column" -> state, until the next frame
    this.current = null;
    this.left = new Set();     // "row:column" of what had gone wrong when we came: it may be tried again, since the run goes on
    this.play = "";
    box.addEventListener("click", (event) => this.open(event.target.closest(".row b")));
    box.addEventListener("mouseover", (event) => this.point(event.target.closest("b")));
    box.addEventListener("focusin", (event) => this.point(event.target.closest("b")));
    box.addEventListener("keydown", (event) => this.key(event));
    document.getElementById("grid-search")?.addEventListener("input", () => this.filter());
    document.getElementById("grid-state")?.addEventListener("change", () => this.filter());
  }

  async load() {
    const answer = await fetch(this.box.dataset.grid, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error("the grid: " + answer.status);
    const grid = await answer.json();
    this.after = grid.after;
    this.longest = Math.max(4, ...grid.hosts.map((host) => host.length));
    grid.tasks.forEach((task) => this.addTask(task, false));
    this.width();
    const rows = Math.max(4, Math.floor(CELLS_AT_ONCE / Math.max(grid.tasks.length, 1)));
    for (let first = 0; first < grid.hosts.length; first += rows) {
      const part = document.createDocumentFragment();
      grid.hosts.slice(first, first + rows).forEach((host, n) => part.append(this.addRow(host, grid.cells[first + n])));
      this.box.append(part);
      await new Promise(requestAnimationFrame);
    }
    if (this.box.dataset.live === "1") {
      this.states.forEach((states, row) => states.forEach((state, column) => WENT_WRONG.includes(state) && this.left.add(row + ":" + column)));
    }
    this.box.setAttribute("aria-rowcount", this.hosts.length + 1);
    this.box.setAttribute("aria-busy", "false");
    this.filter();
    this.first();
    this.fromAddress();
  }

  addTask(task, withCells = true) {
    const column = this.tasks.length, before = this.tasks[column - 1];
    this.tasks.push(task);
    this.columns.set(task.id, column);
    const label = document.createElement("b");
    label.setAttribute("role", "columnheader");
    label.textContent = String(column + 1);
    label.dataset.column = column;
    if (!before || before.play !== task.play) label.className = "play";
    this.head.append(label);
    if (withCells) {
      for (const row of this.box.querySelectorAll(".row")) row.append(this.cell());
      this.width();
    }
    return column;
  }

  // Few tasks have room for their names; many get a number, and their name when they are pointed at. Names of hosts
  // have the room that the longest needs, within a third of the view.
  width() {
    const whole = this.box.parentElement.clientWidth;
    const name = Math.max(NARROWEST_NAME, Math.min(Math.ceil(this.longest * CHARACTER) + 26, Math.floor(whole / 3)));
    this.box.style.setProperty("--name", name + "px");
    const room = whole - name - 16, each = Math.floor(room / Math.max(this.tasks.length, 1));
    const labelled = each >= 72;
    this.box.classList.toggle("labelled", labelled);
    this.box.style.setProperty("--cell", (labelled ? Math.min(each, 160) : 22) + "px");
    this.box.style.setProperty("--count", this.tasks.length);
    for (const label of this.head.querySelectorAll("b")) {
      const task = this.tasks[label.dataset.column];
      label.textContent = labelled ? task.name : String(Number(label.dataset.column) + 1);
      label.title = task.name;
    }
  }

  addRow(host, cells = []) {
    const number = this.hosts.length, row = this.blankRow();
    this.hosts.push(host);
    this.rows.set(host, row);
    this.states.push([]);
    row.dataset.row = number;
    row.firstChild.textContent = row.firstChild.title = host;
    this.pinned.append(row.firstChild.cloneNode(true));
    this.pinned.lastChild.removeAttribute("role");
    for (const [column, state] of cells) this.paint(number, column, state);
    return row;
  }

  // A copy of one that was made before: several times faster than building each anew.
  blankRow() {
    if (this.blank?.children.length !== this.tasks.length + 1) {
      this.blank = document.createElement("div");
      this.blank.className = "row";
      this.blank.setAttribute("role", "row");
      const name = document.createElement("span");
      name.className = "name";
      name.setAttribute("role", "rowheader");
      this.blank.append(name, ...this.tasks.map(() => this.cell()));
    }
    return this.blank.cloneNode(true);
  }

  cell() {
    const cell = document.createElement("b");
    cell.setAttribute("role", "gridcell");
    return cell;
  }

  paint(row, column, state) {
    const cell = this.rows.get(this.hosts[row])?.children[column + 1];
    if (!cell) return;
    this.states[row][column] = state;
    cell.className = state;
    cell.textContent = SIGNS[state] || "·";
  }

  // One result of the stream; several of one cell fold as on the server: the worst of them is shown.
  result(one) {
    if (one.item_index !== null && one.item_index !== undefined) return;
    let state = one.status;
    if ((state === "failed" || state === "unreachable") && one.rescued) state = "changed";
    else if ((state === "failed" || state === "unreachable") && one.ignored) state = "skipped";
    this.set(one.host, { id: one.task_id, name: one.task_name, play: this.play }, state, true);
  }

  begun(task, hosts) {
    for (const host of hosts) this.set(host, task, "running", false);
  }

  set(host, task, state, ended) {
    const column = this.columns.get(task.id) ?? this.addTask(task);
    if (!this.rows.has(host)) {
      this.box.append(this.addRow(host));
      if (host.length > this.longest) { this.longest = host.length; this.width(); }
    }
    const row = Number(this.rows.get(host).dataset.row), key = row + ":" + column;
    const before = ended && this.left.delete(key) ? "" : this.waiting.get(key) ?? this.states[row][column];
    if (before && (!ended || (before !== "running" && RANK.indexOf(before) > RANK.indexOf(state)))) return;
    if (!this.waiting.size) requestAnimationFrame(() => this.flush());
    this.waiting.set(key, state);
  }

  flush() {
    let left = CELLS_AT_ONCE;
    for (const [key, state] of this.waiting) {
      const [row, column] = key.split(":").map(Number);
      this.paint(row, column, state);
      this.waiting.delete(key);
      if (!--left) break;
    }
    if (this.waiting.size) requestAnimationFrame(() => this.flush());
    else this.filter();
    this.first();
  }

  // ---- by pointer and keyboard

  // One stop for Tab: the cell that was last looked at, or the first one that is there to be seen.
  first() {
    if (this.current?.isConnected && !this.current.parentElement.classList.contains("out")) return;
    this.current?.removeAttribute("tabindex");
    this.current = this.box.querySelector(".row:not(.out) b[class]");
    if (this.current) this.current.tabIndex = 0;
  }

  place(cell) {
    const row = cell.closest(".row");
    return { row: row ? Number(row.dataset.row) : -1, column: [...cell.parentElement.children].indexOf(cell) - 1 };
  }

  point(cell) {
    if (!cell) return;
    const { row, column } = this.place(cell), task = this.tasks[column];
    if (!task) return;
    const state = row < 0 ? "" : this.states[row][column] || "not yet";
    this.pointed.textContent = (column + 1) + ". " + task.name + (row < 0 ? "" : " · " + this.hosts[row] + ": " + state);
    if (row >= 0) cell.setAttribute("aria-label", this.hosts[row] + ", " + task.name + ": " + state);
  }

  open(cell) {
    if (!cell?.className) return;
    this.focus(cell);
    const { row, column } = this.place(cell);
    this.box.querySelector("[aria-selected]")?.removeAttribute("aria-selected");
    cell.setAttribute("aria-selected", "true");
    const where = new URLSearchParams({ host: this.hosts[row], task: this.tasks[column].id });
    history.replaceState(null, "", "#" + where);
    htmx.ajax("GET", this.box.dataset.cell + "?" + where, { target: "#detail", swap: "innerHTML" })
      .then(() => document.getElementById("detail").scrollIntoView({ block: "nearest" }));
  }

  fromAddress() {
    const where = new URLSearchParams(location.hash.slice(1)), row = this.rows.get(where.get("host"));
    const column = this.columns.get(where.get("task"));
    if (row && column !== undefined) this.open(row.children[column + 1]);
  }

  focus(cell) {
    if (this.current) this.current.removeAttribute("tabindex");
    this.current = cell;
    cell.tabIndex = 0;
    cell.focus({ preventScroll: true });
    cell.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  key(event) {
    const cell = event.target.closest(".row b");
    if (!cell) return;
    const index = [...cell.parentElement.children].indexOf(cell);
    let row = cell.parentElement, to = null;
    const beside = (which) => { do row = row[which]; while (row && row.classList.contains("out")); return row?.classList.contains("row") ? row.children[index] : null; };
    if (event.key === "ArrowRight") to = cell.nextElementSibling;
    else if (event.key === "ArrowLeft") to = index > 1 ? cell.previousElementSibling : null;
    else if (event.key === "ArrowDown") to = beside("nextElementSibling");
    else if (event.key === "ArrowUp") to = beside("previousElementSibling");
    else if (event.key === "Home") to = row.children[1];
    else if (event.key === "End") to = row.lastElementChild;
    else if (event.key === "Enter" || event.key === " ") this.open(cell);
    else return;
    event.preventDefault();
    if (to) this.focus(to);
  }

  filter() {
    const search = document.getElementById("grid-search")?.value.trim().toLowerCase() || "";
    const wanted = document.getElementById("grid-state")?.value || "";
    const bad = ["failed", "unreachable", "lost"];
    let shown = 0;
    this.hosts.forEach((host, number) => {
      const states = this.states[number];
      const fits = !wanted || (wanted === "bad" ? states.some((one) => bad.includes(one)) : states.includes(wanted));
      const isOut = !fits || !host.toLowerCase().includes(search);
      this.rows.get(host).classList.toggle("out", isOut);
      this.pinned.children[number].classList.toggle("out", isOut);
      shown += !isOut;
    });
    const count = document.getElementById("grid-count");
    if (count) count.textContent = shown === this.hosts.length ? "" : shown + " of " + this.hosts.length + " hosts";
    document.getElementById("grid-empty")?.classList.toggle("hidden", shown > 0);
    this.first();
  }
}

// ---- the stream

function follow(grid) {
  const box = grid.box, live = document.getElementById("live");
  const changed = () => htmx.trigger(document.body, "run-changed");
  const hosts = {};  // of the play that is at work, in each slice
  let source, after = grid.after, isOver = false, pauseS = 1;
  const say = (text) => { if (live && live.textContent !== text) live.textContent = text; };
  const acts = {
    result: (one) => grid.result(one),
    event: (one) => {
      if (one.kind === "PlayStarted") { hosts[one.slice] = one.hosts; grid.play = one.name; }
      if (one.kind === "TaskStarted") grid.begun({ id: one.task_id, name: one.name, play: grid.play }, one.hosts || hosts[one.slice] || grid.hosts);
    },
    end: () => { isOver = true; source.close(); say(""); },
  };
  const open = () => {
    source = new EventSource(box.dataset.events + "?after=" + encodeURIComponent(after));
    source.onopen = () => { pauseS = 1; say("live"); };
    source.onerror = () => {
      if (isOver) return;
      say("connecting again …");
      // The browser tries again by itself, but not after an answer that is no stream, as while the store is away.
      if (source.readyState === EventSource.CLOSED) setTimeout(open, 1000 * (pauseS = Math.min(60, 2 * pauseS)));
    };
    for (const [kind, act] of Object.entries(acts)) source.addEventListener(kind, (event) => {
      after = event.lastEventId || after;
      act(JSON.parse(event.data));
      changed();
    });
  };
  addEventListener("pagehide", () => { isOver = true; source.close(); });
  open();
}

document.addEventListener("DOMContentLoaded", async () => {
  const box = document.getElementById("grid");
  if (!box) return;
  const grid = new Grid(box);
  addEventListener("resize", () => grid.width());
  try { await grid.load(); } catch (error) { document.getElementById("pointed").textContent = String(error.message); return; }
  addEventListener("hashchange", () => grid.fromAddress());
  if (box.dataset.live === "1") follow(grid);
});
