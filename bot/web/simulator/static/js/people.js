import { ask, Unanswered } from "./api.js";
import { at, make } from "./dom.js";
import { marks } from "./playing.js";
import { views } from "./views.js";
import { words } from "./words.js";

/** Milliseconds of rest after which a search begins. */
const REST = 160;
const COMMAND = "python -m bot sample load --workers 5000 --districts 91";

/** The sample's workers to choose from. `refresh` looks again at how they stand; it resolves to the workers shown. */
export function showPeople({ path, caller, choose }) {
  const list = at("workers");
  let shown = { roster: null, workers: [], query: null };
  let asking = null;
  let timer = 0;
  let fault = null;
  let drawn = "";

  async function refresh() {
    asking?.abort();
    const mine = (asking = new AbortController());
    const query = at("find").value.trim();
    try {
      const told = await ask(path, { q: query }, mine.signal);
      shown = { ...told, query, workers: query === shown.query ? inPlace(shown.workers, told.workers) : told.workers };
      fault = null;
      const current = shown.workers.find((worker) => worker.nik === caller.worker?.nik);
      if (current !== undefined) caller.refresh(current);
    } catch (error) {
      if (error.name === "AbortError") return [];
      if (!(error instanceof Unanswered)) throw error;
      fault = error;
    }
    draw();
    return shown.workers;
  }

  /** The same list again does not move under the finger: only how its workers stand is new. */
  function inPlace(before, now) {
    if (before.length === 0) return now;
    return before.map((worker) => now.find(({ nik }) => nik === worker.nik) ?? worker);
  }

  function draw() {
    // What has not changed stays in place: a row must not vanish between a finger's going down and up.
    const next = JSON.stringify([shown.roster, shown.workers, fault?.message, words.language]);
    if (next === drawn) return;
    drawn = next;
    const focused = list.contains(document.activeElement) ? document.activeElement.dataset.nik : null;
    const { roster, workers } = shown;
    at("finder").hidden = fault === null && roster !== "sample";
    list.hidden = workers.length === 0 || fault !== null;
    list.replaceChildren(...(fault === null ? workers.map(row) : []));
    const nothing = fault !== null || workers.length === 0;
    at("no-workers").hidden = !nothing;
    at("no-workers").replaceChildren(...(nothing ? explanation(roster) : []));
    if (roster !== "sample" && roster !== null) at("other-number").open = true;
    if (focused !== null) list.querySelector(`[data-nik="${CSS.escape(focused)}"]`)?.focus();
  }

  function row(worker) {
    const chosen = worker.nik === caller.worker?.nik;
    return make(
      "li",
      {},
      make(
        "button",
        { type: "button", "aria-pressed": String(chosen), data: { nik: worker.nik }, on: { click: () => pick(worker) } },
        make("strong", { text: worker.name }),
        make("small", { text: [words.say("people.age", { age: worker.age }), worker.district].join(" · ") }),
        marks(worker),
      ),
    );
  }

  function explanation(roster) {
    if (fault !== null) {
      return [
        make("p", { text: words.say("people.away", { reason: fault.inWords }) }),
        make("button", { type: "button", class: "quiet", text: words.say("people.again"), on: { click: refresh } }),
      ];
    }
    if (roster === "empty") {
      return [
        make("strong", { text: words.say("people.empty.title") }),
        make("p", { text: words.say("people.empty.text") }),
        make("code", { text: COMMAND }),
        make("p", { text: words.say("people.empty.after") }),
      ];
    }
    if (roster === "real") {
      return [make("strong", { text: words.say("people.real.title") }), make("p", { text: words.say("people.real.text") })];
    }
    return [make("p", { text: words.say("people.none") })];
  }

  async function pick(worker) {
    await choose(worker);
    if (views.narrow) views.show("phone");
  }

  at("find").addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(refresh, REST);
  });
  at("finder").addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown") return;
    event.preventDefault();
    list.querySelector("button")?.focus();
  });
  list.addEventListener("keydown", (event) => {
    const way = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (way === undefined) return;
    event.preventDefault();
    const buttons = [...list.querySelectorAll("button")];
    const next = buttons.indexOf(document.activeElement) + way;
    (next < 0 ? at("find") : buttons[Math.min(next, buttons.length - 1)]).focus();
  });
  caller.addEventListener("change", () => {
    for (const button of list.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.dataset.nik === caller.worker?.nik));
    }
  });
  words.addEventListener("change", draw);
  return { refresh };
}
