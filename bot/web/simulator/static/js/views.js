import { at } from "./dom.js";

/** On a narrow page one part is seen at a time; `views.show` changes which. Says "change". */
class Views extends EventTarget {
  current = "phone";

  show(view) {
    this.current = view;
    document.body.dataset.view = view;
    for (const button of document.querySelectorAll(".tabs button")) {
      if (button.dataset.view === view) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    }
    this.dispatchEvent(new Event("change"));
  }

  /** Whether a part of the page can be seen now. */
  sees(view) {
    return document.visibilityState === "visible" && at(view).offsetParent !== null;
  }

  /** Whether there is room for one part only. */
  get narrow() {
    return at("people").offsetParent === null || at("phone").offsetParent === null;
  }
}

export const views = new Views();

document.querySelector(".tabs").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button !== null) views.show(button.dataset.view);
});
