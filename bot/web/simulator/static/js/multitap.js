const LETTERS = { 0: " 0", 1: ".,?!-1", 2: "ABC2", 3: "DEF3", 4: "GHI4", 5: "JKL5", 6: "MNO6", 7: "PQRS7", 8: "TUV8", 9: "WXYZ9" };
/** Milliseconds in which the same key goes on to its next letter. */
const PATIENCE = 900;

/** Letters from a numeric keypad: the same key again, soon, changes the letter just typed. */
export class Multitap {
  #key = null;
  #count = 0;
  #at = 0;

  /** What pressing `key` at `now` (milliseconds) types, and whether that replaces the letter before it. */
  press(key, now) {
    const letters = LETTERS[key] ?? key;
    const goesOn = key === this.#key && now - this.#at < PATIENCE && letters.length > 1;
    this.#count = goesOn ? this.#count + 1 : 0;
    this.#key = key;
    this.#at = now;
    return { letter: letters[this.#count % letters.length], replaces: goesOn };
  }

  /** The next press starts a new letter. */
  rest() {
    this.#key = null;
  }
}
