import { at, make, write } from "./dom.js";
import { sms } from "./gsm7.js";
import { words } from "./words.js";

const KEYWORDS = { id: ["MULAI", "TIKET", "BATAL", "BAHASA", "BANTUAN", "BERHENTI"], en: ["START", "TICKET", "CANCEL", "LANGUAGE", "HELP", "STOP"] };

/** Writing an SMS to the service. What could not be sent stays in the box, with the reason above it. */
export function connectCompose(mailbox) {
  const box = at("sms");
  let sending = false;

  function measure() {
    const { encoding, units, limit, parts } = sms(box.value);
    const text = parts > 1 ? `${units} · ${words.say("messages.parts.many", { count: parts })} · ${encoding}` : `${units}/${limit}`;
    write(at("sms-count"), box.value === "" ? "" : text);
    box.style.height = "auto";
    box.style.height = `${Math.min(box.scrollHeight + 2, 120)}px`;
  }

  function put(text) {
    box.value = text;
    measure();
    box.focus();
  }

  async function send() {
    const text = box.value;
    if (sending) return;
    if (mailbox.phone === null) return complain(words.say("compose.number-first"));
    sending = true;
    box.readOnly = true;
    at("compose").classList.add("sending");
    const exchange = await mailbox.send(text);
    sending = false;
    box.readOnly = false;
    at("compose").classList.remove("sending");
    if (exchange.status === 200) {
      complain("");
      put("");
    } else if (exchange.status === 0) {
      complain(words.say("compose.away"));
    } else {
      complain(words.say("compose.refused", { status: exchange.status, reason: exchange.body.trim().split("\n")[0] }));
    }
    box.focus();
  }

  function complain(text) {
    write(at("compose-fault"), text);
  }

  function keywords() {
    const chip = (word) => make("button", { type: "button", text: word, on: { click: () => put(word) } });
    at("keywords").replaceChildren(...KEYWORDS[words.language].map(chip));
  }

  at("compose").addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
  box.addEventListener("input", measure);
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  });
  words.addEventListener("change", () => {
    keywords();
    measure();
  });
  keywords();
  return { put };
}
