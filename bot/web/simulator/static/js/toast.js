import { at } from "./dom.js";

const SHOWN = 1600;
let timer = 0;

/** A few words at the edge of the page, for a moment. */
export function toast(text) {
  const element = at("toast");
  element.textContent = text;
  element.classList.add("shown");
  clearTimeout(timer);
  timer = setTimeout(() => element.classList.remove("shown"), SHOWN);
}
