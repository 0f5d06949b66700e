import { copy } from "./copy.js";
import { at, icon, make } from "./dom.js";
import { asCurl, requestLines } from "./raw-http.js";
import { toast } from "./toast.js";
import { words } from "./words.js";

/** Shows what goes over the wire, for those who integrate. The newest one lies open. */
export function showExchanges(log) {
  const list = at("log");
  const items = new Map();
  let newest = null;

  function draw() {
    at("no-exchanges").hidden = log.exchanges.length > 0;
    for (const [number, item] of items) {
      if (log.exchanges.every((exchange) => exchange.number !== number)) {
        item.element.remove();
        items.delete(number);
      }
    }
    for (const exchange of [...log.exchanges].reverse()) {
      const known = items.get(exchange.number);
      if (known === undefined) add(exchange);
      else if (known.settled !== exchange.settled) fill(known, exchange);
    }
  }

  function add(exchange) {
    const element = make("details", { class: "exchange" });
    const item = { element, exchange, settled: undefined };
    items.set(exchange.number, item);
    fill(item, exchange);
    list.prepend(make("li", {}, element));
    // Receipts follow by themselves: they do not push aside what was asked for.
    if (exchange.kind !== "receipt") {
      if (newest !== null && !newest.pinned) newest.element.open = false;
      newest = item;
      element.open = true;
      list.scrollTop = 0;
    }
    element.addEventListener("click", (event) => {
      if (event.target.closest("summary")) item.pinned = true;
    });
  }

  function fill(item, exchange) {
    item.settled = exchange.settled;
    const { element } = item;
    const summary = make(
      "summary",
      {},
      make("span", { class: `kind ${exchange.kind}`, text: words.say(`kind.${exchange.kind}`) }),
      make("span", { class: "gist", text: gist(exchange) }),
      exchange.again ? make("span", { class: "tag", text: words.say("exchanges.again") }) : null,
      make("span", { class: `status ${good(exchange) ? "good" : exchange.settled ? "bad" : ""}`, text: status(exchange) }),
    );
    const focused = document.activeElement?.tagName === "SUMMARY" && element.contains(document.activeElement);
    element.replaceChildren(summary, body(exchange));
    if (focused) summary.focus();
  }

  function body(exchange) {
    const copyIt = async () => toast(words.say((await copy(asCurl(exchange))) ? "people.copied" : "people.uncopied"));
    const asked = make(
      "div",
      {},
      make(
        "h3",
        {},
        make("span", { text: words.say("exchanges.request") }),
        make("button", { type: "button", class: "quiet", on: { click: copyIt } }, icon("copy"), words.say("exchanges.copy")),
      ),
      make("pre", { text: requestLines(exchange, at("reveal").checked), tabindex: "0" }),
    );
    const answered = make(
      "div",
      {},
      make("h3", { text: words.say("exchanges.answer") }),
      make("pre", { text: exchange.settled ? answerLines(exchange) : words.say("exchanges.waiting"), tabindex: "0" }),
    );
    return make("div", { class: "wire" }, asked, answered);
  }

  function answerLines(exchange) {
    if (exchange.status === 0) return words.say("exchanges.no-answer");
    const type = exchange.type === "" ? [] : [`Content-Type: ${exchange.type}`];
    return [`HTTP/1.1 ${exchange.status}`, ...type, "", exchange.body || words.say("exchanges.empty-body")].join("\n");
  }

  function status(exchange) {
    if (!exchange.settled) return words.say("exchanges.waiting");
    return `${exchange.status || "—"} · ${exchange.took} ms`;
  }

  function redraw() {
    for (const item of items.values()) fill(item, item.exchange);
  }

  at("reveal").addEventListener("change", redraw);
  log.addEventListener("change", draw);
  words.addEventListener("change", redraw);
}

const good = (exchange) => exchange.status === 200;

/** The one field that tells exchanges apart. */
function gist(exchange) {
  const { text, status } = exchange.fields;
  if (exchange.kind === "receipt") return status;
  return text === "" ? '""' : text;
}
