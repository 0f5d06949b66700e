import { at, make, write } from "./dom.js";
import { sms } from "./gsm7.js";
import { views } from "./views.js";
import { words } from "./words.js";

/** Shows the messages of the phone as a conversation, and how many of them are unread. */
export function showThread({ mailbox, receipts }) {
  const thread = at("thread");
  const bubbles = new Map();
  let phone = null;

  function draw() {
    if (phone !== mailbox.phone) forget();
    phone = mailbox.phone;
    const { messages } = mailbox;
    if (messages.length === 0 && bubbles.size === 0) {
      thread.replaceChildren(make("li", { class: "empty", text: words.say("messages.none") }));
    }
    const fresh = messages.filter((message) => !bubbles.has(message.key));
    if (fresh.length > 0) {
      if (bubbles.size === 0) thread.replaceChildren();
      for (const message of fresh) {
        const bubble = make("li", { class: `bubble ${message.from}` });
        bubbles.set(message.key, bubble);
        fill(bubble, message);
      }
      thread.append(...messages.map((message) => bubbles.get(message.key)).filter((bubble) => !bubble.isConnected));
      thread.scrollTop = thread.scrollHeight;
    }
    const { unread } = mailbox;
    write(at("unread"), words.say("messages.new", { count: unread }));
    at("unread").hidden = unread === 0;
    write(at("unread-tab"), String(unread));
    at("unread-tab").hidden = unread === 0;
    document.title = (unread > 0 ? `(${unread}) ` : "") + words.say("title");
    write(at("inbox-fault"), mailbox.reachable ? "" : words.say("messages.away"));
  }

  function forget() {
    bubbles.clear();
    thread.replaceChildren();
  }

  function fill(bubble, message) {
    const { parts } = sms(message.text);
    const moment = new Date(message.at);
    const foot = [
      moment.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" }),
      parts === 1 ? words.say("messages.parts.one") : words.say("messages.parts.many", { count: parts }),
    ];
    const reported = receipts.of(message);
    if (reported) foot.push(words.say(`receipt.${reported}`));
    const who = words.say(message.from === "phone" ? "messages.you" : "messages.service");
    bubble.dataset.report = reported ?? "";
    bubble.replaceChildren(
      make("span", { class: "unseen", text: `${who}: ` }),
      make("p", { text: message.text }),
      make("small", { text: foot.join(" · ") }),
    );
  }

  function refill() {
    for (const message of mailbox.messages) {
      const bubble = bubbles.get(message.key);
      if (bubble !== undefined) fill(bubble, message);
    }
  }

  // Read is what somebody has turned to; on a narrow page, what they have opened.
  const read = () => mailbox.markRead();
  for (const event of ["pointerenter", "pointerdown", "focusin"]) at("messages").addEventListener(event, read);
  views.addEventListener("change", () => {
    if (views.narrow && views.current === "messages") {
      read();
      thread.scrollTop = thread.scrollHeight;
    }
  });
  mailbox.addEventListener("arrived", () => {
    const attended = views.narrow ? views.sees("messages") : at("messages").matches(":focus-within, :hover");
    if (attended && document.hasFocus()) read();
  });

  mailbox.addEventListener("change", draw);
  receipts.addEventListener("change", refill);
  words.addEventListener("change", () => {
    if (bubbles.size === 0) thread.replaceChildren();
    refill();
    draw();
  });
  draw();
}
