/** Puts the phone, its surroundings and the gateway together. */

import { connectAnyNumber } from "./any-number.js";
import { Caller } from "./caller.js";
import { connectCompose } from "./compose.js";
import { config } from "./config.js";
import { showDisplay } from "./display.js";
import { at } from "./dom.js";
import { ExchangeLog } from "./exchange-log.js";
import { showExchanges } from "./exchanges.js";
import { Gateway } from "./gateway.js";
import { Handset } from "./handset.js";
import { connectKeys } from "./keys.js";
import { Mailbox } from "./mailbox.js";
import { showMeter } from "./meter.js";
import { showPeople } from "./people.js";
import { showPlaying } from "./playing.js";
import { Receipts } from "./receipts.js";
import { connectReceiptSwitch } from "./receipt-switch.js";
import { showThread } from "./thread.js";
import { UssdSession } from "./ussd-session.js";
import { views } from "./views.js";
import { words } from "./words.js";

const log = new ExchangeLog();
const gateway = new Gateway(config.webhooks, log);
const caller = new Caller();
const session = new UssdSession(gateway);
const mailbox = new Mailbox(config.api.inbox, gateway, config.shortCode);
const receipts = new Receipts(gateway, mailbox);
const handset = new Handset({ code: config.ussdCode, caller, mailbox, session });

const compose = connectCompose(mailbox);
const anyNumber = connectAnyNumber({ paths: config.api, caller });
const people = showPeople({ path: config.api.workers, caller, choose });

showDisplay({ caller, handset, mailbox });
showMeter({ handset, session, limit: config.septets });
showPlaying({ caller, answer, callStrange });
showThread({ mailbox, receipts });
showExchanges(log);
connectKeys(handset);
connectReceiptSwitch(receipts);

caller.addEventListener("phone", () => mailbox.open(caller.phone));
handset.addEventListener("messages", openMessages);
// How a worker stands changes at the end of a session and with an SMS.
session.addEventListener("change", () => session.state === "ended" && people.refresh());
mailbox.addEventListener("arrived", () => people.refresh());

for (const link of document.querySelectorAll("[data-language]")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    speak(link.dataset.language);
  });
}
words.addEventListener("change", noticeGateway);
noticeGateway();
start();

/** Somebody to play from the first moment: whom this tab played before, or the first of the sample. */
async function start() {
  const known = caller.restore();
  const workers = await people.refresh();
  if (!known && workers.length > 0) await choose(workers[0]);
}

async function choose(worker) {
  if (worker.phone === null) await callStrange(worker);
  else caller.playOwn(worker);
}

async function callStrange(worker) {
  const phone = await anyNumber.strange();
  if (phone !== null) caller.playStrange(worker, phone);
}

/** Type a text where the conversation waits for it. */
function answer(text) {
  if (session.state === "asking") {
    handset.type(text);
    if (views.narrow) views.show("phone");
    at("entry").focus({ preventScroll: true });
  } else {
    if (views.narrow) views.show("messages");
    compose.put(text);
  }
}

function openMessages() {
  views.show("messages");
  mailbox.markRead();
  if (!views.narrow) at("sms").focus();
}

async function speak(language) {
  try {
    await words.speak(language);
  } catch {
    return;
  }
  for (const link of document.querySelectorAll("[data-language]")) {
    if (link.dataset.language === language) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

/** Say it where tickets will not arrive here. */
function noticeGateway() {
  const notice = at("gateway-notice");
  notice.hidden = config.sendsBy === "simulator";
  notice.textContent = words.say("gateway.other", { gateway: config.sendsBy });
}
