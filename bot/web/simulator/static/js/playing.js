import { spaced } from "./caller.js";
import { copy } from "./copy.js";
import { at, icon, make } from "./dom.js";
import { toast } from "./toast.js";
import { words } from "./words.js";

/** Shows who is being played, with what the conversation will ask of them. `answer` types a text where it is wanted. */
export function showPlaying({ caller, answer, callStrange }) {
  function draw() {
    const { worker, phone } = caller;
    const box = at("playing");
    if (worker !== null) box.replaceChildren(head(worker), facts(worker), calls(worker));
    else if (phone !== null) box.replaceChildren(typed());
    else box.replaceChildren();
  }

  function head(worker) {
    const initials = worker.name.split(/[\s,.]+/).filter(Boolean).slice(0, 2).map((part) => part[0]).join("");
    return make(
      "div",
      { class: "who" },
      make("span", { class: "face", "aria-hidden": "true", text: initials }),
      make(
        "div",
        {},
        make("strong", { text: worker.name }),
        make("small", { text: [words.say("people.age", { age: worker.age }), worker.district].join(" · ") }),
        marks(worker),
      ),
    );
  }

  function facts(worker) {
    const [year, month, day] = worker.birth_date.split("-");
    return make(
      "dl",
      { class: "facts" },
      ...fact(words.say("people.born"), `${day}${month}${year}`),
      ...fact(words.say("people.nik"), worker.nik),
    );
  }

  function fact(name, value) {
    const act = (key, picture, run) => {
      const label = words.say(key, { what: name });
      return make("button", { type: "button", class: "round small", "aria-label": label, title: label, on: { click: run } }, icon(picture));
    };
    const copyIt = async () => toast(words.say((await copy(value)) ? "people.copied" : "people.uncopied"));
    return [
      make("dt", { text: name }),
      make("dd", {}, make("code", { text: value }), act("people.type", "keys", () => answer(value)), act("people.copy", "copy", copyIt)),
    ];
  }

  function calls(worker) {
    const choice = (source, key, run, disabled) =>
      make("button", { type: "button", disabled, "aria-pressed": String(caller.source === source), text: words.say(key), on: { click: run } });
    return make(
      "div",
      { class: "calls" },
      make("p", {}, make("small", { text: words.say("people.calls") }), make("b", { text: spaced(caller.phone ?? "") })),
      make(
        "div",
        { class: "either", role: "group", "aria-label": words.say("people.calls") },
        choice("own", worker.phone === null ? "people.nowhere" : "people.own", () => caller.playOwn(worker), worker.phone === null),
        choice("strange", "people.other", () => caller.source === "strange" || callStrange(worker), false),
      ),
    );
  }

  function typed() {
    return make(
      "div",
      { class: "calls alone" },
      make("p", {}, make("small", { text: words.say("people.calls") }), make("b", { text: spaced(caller.phone) })),
      make("small", { text: words.say(caller.listed ? "people.listed" : "people.unlisted") }),
    );
  }

  caller.addEventListener("change", draw);
  words.addEventListener("change", draw);
  draw();
}

/** What is particular about a worker, in a word or two each; null if nothing is. */
export function marks(worker) {
  const traits = worker.traits.map((trait) => make("span", { class: `tag ${trait}`, text: words.say(`trait.${trait}`) }));
  const state = words.sayOr(`state.${worker.state}`, null);
  if (state !== null) traits.unshift(make("span", { class: `tag state ${worker.state}`, text: state }));
  return traits.length === 0 ? null : make("span", { class: "tags" }, ...traits);
}
