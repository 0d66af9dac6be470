// Behaviour that all views share. Everything works on elements that come later too: events are caught at the document.

const closest = (event, selector) => event.target instanceof Element ? event.target.closest(selector) : null;

function say(text, seconds = 6) {
  const line = document.createElement("p");
  line.textContent = text;
  document.getElementById("toasts").append(line);
  setTimeout(() => line.remove(), seconds * 1000);
}
const complain = (text) => say(text, 30);

function cookie(name) {
  const found = document.cookie.split("; ").find((one) => one.startsWith(name + "="));
  try { return found ? decodeURIComponent(found.slice(name.length + 1)) : ""; } catch { return ""; }
}

// What the view before this one had to say, once.
function sayFlash() {
  const text = cookie("flash");
  if (!text) return;
  document.cookie = "flash=; path=/; max-age=0; samesite=lax";
  say(text);
}

// The zone of this browser's clock, by which the calendar can be read.
function tellZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && cookie("zone") !== zone) document.cookie = "zone=" + encodeURIComponent(zone) + "; path=/; max-age=31536000; samesite=lax";
}

function openDialog(dialog) {
  if (!dialog.open) dialog.showModal();
}

// Questions: htmx asks before an act that has hx-confirm, and goes on when the dialog says so.
document.addEventListener("htmx:confirm", (event) => {
  if (!event.detail.question) return;
  event.preventDefault();
  const dialog = document.getElementById("ask");
  const source = event.detail.elt;
  dialog.querySelector("[data-question]").textContent = event.detail.question;
  dialog.querySelector("[data-yes]").textContent = source.dataset.yes || "Yes, do it";
  dialog.returnValue = "";
  dialog.addEventListener("close", () => {
    if (dialog.returnValue === "yes") event.detail.issueRequest(true);
    else if (source instanceof HTMLElement) source.focus();
  }, { once: true });
  openDialog(dialog);
});

document.addEventListener("click", async (event) => {
  const opener = closest(event, "[data-opens]");
  if (opener) return openDialog(document.getElementById(opener.dataset.opens));
  const closer = closest(event, "[data-closes]");
  if (closer) return closer.closest("dialog").close(closer.value || "");
  if (event.target instanceof HTMLDialogElement) return event.target.close("");
  const copier = closest(event, "[data-copies]");
  if (copier) return copy(document.getElementById(copier.dataset.copies));
  if (closest(event, "[data-theme-switch]")) return switchTheme();
  const folder = closest(event, "[data-folds]");
  if (folder) {
    const isOpen = document.getElementById(folder.dataset.folds).classList.toggle("open");
    folder.setAttribute("aria-expanded", String(isOpen));
  }
  const view = closest(event, "[data-diff-view]");
  if (view) {
    const box = view.closest("[data-diff]");
    box.dataset.diff = view.dataset.diffView;
    for (const one of box.querySelectorAll("[data-diff-view]")) one.setAttribute("aria-pressed", String(one === view));
  }
});

async function copy(element) {
  try {
    await navigator.clipboard.writeText(element.textContent.trim());
    say("Copied.");
  } catch { // no clipboard without TLS: the text is selected instead
    getSelection().selectAllChildren(element);
    say("Selected: copy it with Ctrl+C.");
  }
}

function switchTheme() {
  const root = document.documentElement;
  const isDark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = isDark ? "light" : "dark";
  try { localStorage.setItem("theme", root.dataset.theme); } catch { /* holds for this view then */ }
}

// Dialogs that an answer brought open by themselves.
document.addEventListener("htmx:afterSwap", (event) => {
  const part = event.detail.target ?? event.target; // the SSE extension names none
  for (const dialog of part.querySelectorAll("dialog[data-open]")) openDialog(dialog);
  part.querySelector("[aria-invalid=true]")?.focus();
});

// An answer that is no view: said in words, and what was typed stays.
document.addEventListener("htmx:responseError", (event) => {
  const request = event.detail.xhr;
  if (request.status === 401) return location.assign("/login?next=" + encodeURIComponent(location.pathname + location.search));
  let words = "That did not work (" + request.status + ").";
  try {
    const problem = JSON.parse(request.responseText);
    words = [problem.detail, problem.hint].filter(Boolean).join(" — ") || words;
  } catch { /* no problem+json */ }
  complain(words);
});
document.addEventListener("htmx:sendError", () => complain("The server does not answer."));

// A day and a time in the zone of whoever looks; the server writes UTC.
function localTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]:not([data-local])")) {
    time.dataset.local = "1";
    time.title = new Date(time.dateTime).toLocaleString() + " (" + time.dateTime + ")";
  }
}
document.addEventListener("DOMContentLoaded", () => {
  localTimes(document);
  sayFlash();
  tellZone();
  for (const dialog of document.querySelectorAll("dialog[data-open]")) openDialog(dialog);
  document.querySelector("[aria-invalid=true]")?.focus();
});
document.addEventListener("htmx:load", (event) => localTimes(event.detail.elt));

// "/" goes to the search of the view, as in most tools of this kind.
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || closest(event, "input, textarea, select, [contenteditable]")) return;
  const search = document.querySelector("main input[type=search]");
  if (search) { event.preventDefault(); search.focus(); }
});
