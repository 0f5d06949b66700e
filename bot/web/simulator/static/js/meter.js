import { at, write } from "./dom.js";
import { septets } from "./gsm7.js";

/** Seconds after which many operators end a session. */
const LATE = 120;

/** Shows what a session has used up, and lets testers repeat its last request or lose it. */
export function showMeter({ handset, session, limit }) {
  function draw() {
    const shown = ["asking", "ended"].includes(session.state) ? session.screen : "";
    const used = septets(shown);
    write(at("meter-hops"), String(session.hops));
    write(at("meter-septets"), String(used));
    at("meter-bar").style.setProperty("--share", String(Math.min(1, used / limit)));
    at("meter").classList.toggle("over", used > limit);
    at("replay").disabled = !session.repeatable;
    at("drop").disabled = !session.open;
    tick();
  }

  function tick() {
    const until = session.endedAt ?? Date.now();
    const seconds = session.startedAt === null ? 0 : Math.floor((until - session.startedAt) / 1000);
    write(at("meter-time"), `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`);
    at("meter-late").hidden = seconds < LATE || session.endedAt !== null;
  }

  at("replay").addEventListener("click", () => session.again());
  at("drop").addEventListener("click", () => handset.lose());
  session.addEventListener("change", draw);
  setInterval(() => session.open && tick(), 250);
  draw();
}
