import { at } from "./dom.js";
import { Multitap } from "./multitap.js";

const TYPED = /^[0-9*#]$/;
const LETTER = /^[\p{L}\p{N} .,'\/+-]$/u;
/** Lines that the display moves at once. */
const LINES = 2;
const ELSEWHERE = "input, textarea, select, summary, [contenteditable]";

/** The keys of the handset under a finger, and the keyboard's in their place. */
export function connectKeys(handset) {
  const entry = at("entry");
  const multitap = new Multitap();
  let letters = false;

  const acts = {
    left: () => handset.forward(),
    right: () => handset.backward(),
    call: () => handset.call(),
    hang: () => handset.hangUp(),
    up: () => scroll(-1),
    down: () => scroll(1),
  };

  function scroll(way) {
    const text = at("lcd-text");
    text.scrollBy({ top: way * LINES * parseFloat(getComputedStyle(text).lineHeight) });
  }

  function press(key) {
    if (!letters) return handset.type(handset.typed + key);
    const { letter, replaces } = multitap.press(key, performance.now());
    return handset.type((replaces ? handset.typed.slice(0, -1) : handset.typed) + letter);
  }

  function setMode(to) {
    letters = to;
    multitap.rest();
    at("entry-mode").textContent = letters ? "ABC" : "123";
    at("entry-mode").setAttribute("aria-pressed", String(letters));
    entry.inputMode = letters ? "text" : "tel";
  }

  /** Let a key on the picture show that it was pressed on the keyboard. */
  function flash(selector) {
    const key = at("handset").querySelector(selector);
    key?.classList.add("pressed");
    setTimeout(() => key?.classList.remove("pressed"), 110);
  }

  const keys = at("handset");
  // A pressed key must not take the focus from whoever goes on with the keyboard.
  keys.addEventListener("pointerdown", (event) => {
    if (event.target.closest("button")) event.preventDefault();
  });
  keys.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button === null) return;
    if (button.dataset.key) press(button.dataset.key);
    else if (button.dataset.act) acts[button.dataset.act]();
    else if (button.id === "entry-mode") setMode(!letters);
  });
  handset.addEventListener("change", () => {
    if (handset.typed === "") multitap.rest();
    if (handset.face !== "asking" && letters) setMode(false);
  });

  entry.addEventListener("input", () => handset.type(entry.value));

  document.addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const inEntry = target === entry;
    if (key === "Escape" && (inEntry || !target.matches(ELSEWHERE))) {
      flash('[data-act="hang"]');
      handset.hangUp();
    } else if (key === "Enter" && (inEntry || !target.matches(`${ELSEWHERE}, button, a`))) {
      flash('[data-act="call"]');
      handset.forward();
    } else if (key === "ArrowUp" || key === "ArrowDown") {
      if (inEntry) scroll(key === "ArrowUp" ? -1 : 1);
      return;
    } else if (inEntry || target.matches(ELSEWHERE)) {
      if (inEntry && TYPED.test(key)) flash(`[data-key="${CSS.escape(key)}"]`);
      return;
    } else if (TYPED.test(key)) {
      flash(`[data-key="${CSS.escape(key)}"]`);
      handset.type(handset.typed + key);
    } else if (handset.face === "asking" && LETTER.test(key) && !(key === " " && target.matches("button, a"))) {
      handset.type(handset.typed + key);
    } else if (key === "Backspace") {
      handset.type(handset.typed.slice(0, -1));
    } else {
      return;
    }
    event.preventDefault();
  });

  // Where there is a mouse there is a keyboard: it types on the phone from the start.
  if (matchMedia("(hover: hover) and (pointer: fine)").matches) entry.focus({ preventScroll: true });
}
