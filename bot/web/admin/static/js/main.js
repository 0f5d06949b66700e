// What every page of the command room does: forms that ask first, tables that sort and search, charts, htmx's token.
import { sortable, searchable } from "./tables.js";
import { draw } from "./charts.js";

function begin(root) {
  root.querySelectorAll("table[data-sortable]").forEach(sortable);
  root.querySelectorAll("input[data-search]").forEach(searchable);
  root.querySelectorAll("[data-chart]").forEach(draw);
}

// A form with data-confirm asks before it goes; a form that has gone does not go twice.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.confirm && !window.confirm(form.dataset.confirm)) {
    event.preventDefault();
    event.stopImmediatePropagation();
    return;
  }
  if (form.dataset.gone) {
    event.preventDefault();
    return;
  }
  if (form.method === "post" && !form.hasAttribute("hx-post")) form.dataset.gone = "yes";
}, true);
window.addEventListener("pageshow", () => document.querySelectorAll("form[data-gone]").forEach((form) => delete form.dataset.gone));

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) window.print();
});

document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRF-Token"] = document.querySelector("meta[name=csrf-token]").content;
});
document.addEventListener("htmx:load", (event) => begin(event.detail.elt));
begin(document);
