import { spaced } from "./caller.js";
import { at, write } from "./dom.js";
import { words } from "./words.js";

/** Shows the handset: its display, the words over the soft keys, the envelope of unread messages. */
export function showDisplay({ caller, handset, mailbox }) {
  const entry = at("entry");
  let face = "";

  function draw() {
    const lcd = at("lcd");
    lcd.dataset.state = handset.face;
    if (entry.value !== handset.typed) entry.value = handset.typed;
    entry.readOnly = !handset.takesInput;
    write(at("screen"), handset.screen);
    if (face !== handset.face) at("lcd-text").scrollTop = 0;
    face = handset.face;
    const [left, right] = handset.soft;
    write(at("soft-left"), left);
    write(at("soft-right"), right);
    at("key-left").setAttribute("aria-label", left || words.say("key.ok"));
    at("key-right").setAttribute("aria-label", right || words.say("soft.clear"));
    write(at("lcd-own"), caller.phone === null ? words.say("phone.no-number") : spaced(caller.phone));
    at("lcd-mail").hidden = mailbox.unread === 0;
    write(at("lcd-mail-count"), String(mailbox.unread));
    markMore();
    tick();
  }

  function markMore() {
    const text = at("lcd-text");
    at("lcd").toggleAttribute("data-more", text.scrollHeight - text.clientHeight - text.scrollTop > 4);
  }

  function tick() {
    const now = new Date();
    const time = now.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
    write(at("lcd-clock"), time);
    write(at("lcd-time"), time);
    const locale = words.language === "id" ? "id-ID" : "en-GB";
    write(at("lcd-date"), now.toLocaleDateString(locale, { weekday: "short", day: "numeric", month: "short" }));
  }

  at("lcd-text").addEventListener("scroll", markMore, { passive: true });
  addEventListener("resize", markMore);
  for (const source of [handset, mailbox, caller, words]) source.addEventListener("change", draw);
  setInterval(tick, 5000);
  draw();
}
