// The first page as it comes again: written over what stands there word by word, so that nothing that was sorted, searched,
// opened or focused is lost.

import { redraw } from "./charts.js";

const page = document.getElementById("progress");
// Ours, not the server's: what a reader has opened, and what the other scripts have added.
const KEPT = new Set(["open", "data-ready", "aria-sort"]);

const keyOf = (node) => node.dataset?.key ?? node.id ?? "";

function attributes(old, fresh) {
  for (const { name, value } of fresh.attributes) {
    if (!KEPT.has(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const { name } of [...old.attributes]) {
    if (!KEPT.has(name) && !fresh.hasAttribute(name)) old.removeAttribute(name);
  }
}

function children(old, fresh) {
  const known = new Map([...old.children].filter(keyOf).map((child) => [keyOf(child), child]));
  const sorted = old.tagName === "TBODY" && old.closest("table").querySelector("th[aria-sort]");
  let place = old.firstChild;
  for (const next of [...fresh.childNodes]) {
    const key = next.nodeType === Node.ELEMENT_NODE ? keyOf(next) : "";
    let mine = key ? known.get(key) : place;
    const alike = mine && mine.nodeType === next.nodeType && mine.nodeName === next.nodeName && (key || !keyOf(mine));
    if (!alike) {
      mine = next.cloneNode(true);
      old.insertBefore(mine, place);
    } else {
      // What was moved would lose its focus: rather, what nobody asks for makes way.
      while (key && place && place !== mine && !(place.nodeType === Node.ELEMENT_NODE && keyOf(place))) {
        const gone = place;
        place = place.nextSibling;
        gone.remove();
      }
      if (mine === place) place = place.nextSibling;
      else if (!sorted) old.insertBefore(mine, place);
      write(mine, next);
    }
    if (key) known.delete(key);
    mine.seen = page.round;
  }
  for (const child of [...old.childNodes]) if (child.seen !== page.round) child.remove();
}

function write(old, fresh) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  if (old.matches("thead, input, [data-stale], [data-chart]")) return;
  if (old.matches("script")) {
    if (old.textContent !== fresh.textContent) {
      old.textContent = fresh.textContent;
      const canvas = document.getElementById(old.dataset.chartOf);
      if (canvas) redraw(canvas);
    }
    return;
  }
  attributes(old, fresh);
  if (!old.isEqualNode(fresh)) children(old, fresh);
}

// A table that was sorted is sorted again by its new figures, a search is made again.
function again(focused) {
  page.querySelectorAll("table[data-sortable] th[aria-sort]").forEach((head) => {
    head.setAttribute("aria-sort", head.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending");
    head.querySelector("button.sort").click();
  });
  page.querySelectorAll("input[data-search]").forEach((input) => input.dispatchEvent(new Event("input")));
  if (focused && focused !== document.activeElement && document.contains(focused)) focused.focus({ preventScroll: true });
}

function stale(is) {
  page.querySelectorAll("[data-stale]").forEach((notice) => { notice.hidden = !is; });
}

page.addEventListener("htmx:beforeRequest", (event) => {
  if (document.visibilityState === "hidden") event.preventDefault();
});
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") window.htmx?.ajax("GET", page.getAttribute("hx-get"), { source: page, swap: "none" });
});
page.addEventListener("htmx:afterRequest", (event) => {
  if (event.target !== page) return;
  const answer = event.detail.xhr;
  if (!event.detail.successful) return stale(true);
  const fresh = new DOMParser().parseFromString(answer.responseText, "text/html");
  // The session is over: the answer is the entrance.
  if (!fresh.getElementById("progress-title")) return window.location.reload();
  const first = !page.querySelector("[data-chart]") && fresh.querySelector("[data-chart]");
  if (first) return window.location.reload();
  const focused = document.activeElement;
  page.round = (page.round ?? 0) + 1;
  children(page, fresh.body);
  stale(false);
  again(focused);
});
