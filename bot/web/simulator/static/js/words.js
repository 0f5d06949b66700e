import { config } from "./config.js";

/** The page's words in the language chosen. Says "change" when that changes. */
class Words extends EventTarget {
  #table = config.table;
  language = config.language;

  /** The words of a key, with `{name}` filled from `values`. */
  say(key, values = {}) {
    const text = this.#table[key] ?? key;
    return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
  }

  /** The same, or `otherwise` where the language has nothing for this key. */
  sayOr(key, otherwise) {
    return key in this.#table ? this.#table[key] : otherwise;
  }

  /** Change to another language: the page's fixed words at once, the rest by whoever listens. */
  async speak(language) {
    const answer = await fetch(config.words[language]);
    if (!answer.ok) throw new Error(`no words: ${answer.status}`);
    this.#table = await answer.json();
    this.language = language;
    document.documentElement.lang = language;
    document.cookie = `simulator-language=${language}; Path=/simulator; Max-Age=31536000; SameSite=Strict`;
    for (const [mark, put] of FIXED) {
      for (const element of document.querySelectorAll(`[data-${mark}]`)) {
        put(element, this.say(element.getAttribute(`data-${mark}`)));
      }
    }
    this.dispatchEvent(new Event("change"));
  }
}

const FIXED = [
  ["say", (element, text) => (element.textContent = text)],
  ["say-label", (element, text) => element.setAttribute("aria-label", text)],
  ["say-title", (element, text) => element.setAttribute("title", text)],
  ["say-placeholder", (element, text) => element.setAttribute("placeholder", text)],
];

export const words = new Words();
