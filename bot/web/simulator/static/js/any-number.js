import { ask, Unanswered } from "./api.js";
import { at, write } from "./dom.js";
import { views } from "./views.js";
import { words } from "./words.js";

/** Calling from any number, typed in any spelling or made up. */
export function connectAnyNumber({ paths, caller }) {
  const field = at("number");

  async function fetched(path, query) {
    try {
      const told = await ask(path, query);
      complain("");
      return told;
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error;
      const reason = error.about === "phone" ? words.sayOr(`number.reason ${error.reason}`, error.reason) : error.inWords;
      complain(words.say(error.about === "phone" ? "number.fault" : "number.away", { reason }));
      return null;
    }
  }

  function complain(text) {
    write(at("number-fault"), text);
    field.setAttribute("aria-invalid", String(text !== ""));
  }

  function play({ phone, listed }) {
    caller.playTyped(phone, listed);
    field.value = "";
    if (views.narrow) views.show("phone");
  }

  at("number-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const told = await fetched(paths.phone, { number: field.value });
    if (told !== null) play(told);
    else field.focus();
  });
  field.addEventListener("input", () => complain(""));
  at("stranger").addEventListener("click", async () => {
    const told = await fetched(paths.strangePhone);
    if (told !== null) play(told);
  });

  return {
    /** A made-up number for a worker; null (and words on the page) where none could be had. */
    async strange() {
      const told = await fetched(paths.strangePhone);
      return told === null ? null : told.phone;
    },
  };
}
