import { at } from "./dom.js";

/** The choice of what is reported of the messages that arrive. */
export function connectReceiptSwitch(receipts) {
  const choices = [...at("receipts").querySelectorAll("input")];
  for (const choice of choices) {
    choice.checked = choice.value === receipts.choice;
    choice.addEventListener("change", () => receipts.choose(choice.value));
  }
}
